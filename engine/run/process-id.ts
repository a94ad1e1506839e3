import { hostname } from 'node:os'
import { pid } from 'node:process'
import { stableHash } from '../model/stable-hash.ts'

/** Tells this process from others of its kind. In a pod every first process is 1; its name, which is the host's there, tells it from the other ones and from the pod before it. */
export const ownProcessId: number = pid === 1 ? stableHash(hostname()) : pid
