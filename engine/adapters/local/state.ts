/** Where a local fleet's state lies: `.kbg/<fleet>/` of the project, with a directory for each colour and one for the traffic stack. */
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type FleetAddresses, planAddresses } from '../../model/addresses.ts'
import type { Colour } from '../../model/colour.ts'

export function fleetDirectory(projectRoot: string, fleet: string): string {
  return join(projectRoot, '.kbg', fleet)
}

/** A colour's own directory (0700): `cluster.json` and `node-<id>/`. */
export function colourDirectory(projectRoot: string, fleet: string, colour: Colour): string {
  return join(fleetDirectory(projectRoot, fleet), colour)
}

/** Keeps an adopted colour's place in the fleet: nothing of it lies here, and yet the fleet's passwords are needed while it is a colour. */
export function keepPlace(projectRoot: string, fleet: string, colour: Colour): void {
  mkdirSync(colourDirectory(projectRoot, fleet, colour), { recursive: true, mode: 0o700 })
}

/** Gives the place of {@link keepPlace} back. */
export function leavePlace(projectRoot: string, fleet: string, colour: Colour): void {
  const directory = colourDirectory(projectRoot, fleet, colour)
  if (existsSync(directory)) rmdirSync(directory) // refuses where something lies: that is no adopted colour's
  removeFleetIfEmpty(projectRoot, fleet)
}

/** The traffic stack's directory: `etcd/` and `connect-<colour>/`. */
export function trafficDirectory(projectRoot: string, fleet: string): string {
  return join(fleetDirectory(projectRoot, fleet), 'traffic')
}

/** The fleet's passwords (0600); shared by both colours and the traffic stack. */
export function credentialsPath(projectRoot: string, fleet: string): string {
  return join(fleetDirectory(projectRoot, fleet), 'credentials.json')
}

/** The certificate of the fleet's authority (PEM), beside its key; there where the fleet speaks TLS. */
export function caFile(projectRoot: string, fleet: string): string {
  return join(fleetDirectory(projectRoot, fleet), 'tls', 'ca.pem')
}

/** The addresses of a fleet on this machine: subnets of 127.0.0.0/8 on Linux, ports of 127.0.0.1 elsewhere. */
export function localAddresses(fleet: string): FleetAddresses {
  return planAddresses(fleet, { subnets: process.platform === 'linux' })
}

/**
 * Removes what is left of a fleet (its passwords and its certificate authority) when neither a colour nor the traffic stack has anything there any more.
 * Whoever removes his own part calls this last.
 */
export function removeFleetIfEmpty(projectRoot: string, fleet: string): void {
  const directory = fleetDirectory(projectRoot, fleet)
  if (!existsSync(directory)) return
  const traffic = trafficDirectory(projectRoot, fleet)
  if (existsSync(traffic) && readdirSync(traffic).length === 0) rmSync(traffic, { recursive: true })
  const used = readdirSync(directory).some((name) => ['blue', 'green', 'traffic'].includes(name) || name.endsWith('.lock'))
  if (!used) rmSync(directory, { recursive: true })
}
