// Pulumi loads a policy pack through a JavaScript file; Node runs the TypeScript behind it.
import './pack.ts'
