// Pulumi loads a policy pack through a JavaScript file; Node runs the TypeScript behind it.
import { servePack } from './pack.ts'

servePack()
