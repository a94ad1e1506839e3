const credentialName = /(?:password|passwd|secret|token|jaas(?:\.config)?|private_?key|api_?key)$/i

/** Whether a property is called as what holds a credential, for example `ssl.keystore.password`: its value is shown nowhere. */
export function isCredentialName(property: string): boolean {
  return credentialName.test(property.replace(/["\]]+$/, ''))
}

/** A value as reports may show it; undefined: it isn't set. */
export function shownValue(property: string, value: string | undefined): string {
  if (value === undefined) return 'not set'
  return isCredentialName(property) ? '(hidden)' : value
}
