/** An emulator of AWS's interfaces, for the tests of what is published there: a rollout doesn't need it. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { KbgError } from '../engine/model/error.ts'
import { requireOnPath } from './java.ts'
import { projectDir, toolsDir } from './paths.ts'
import { mustRun } from './process.ts'
import { isStamped, keyOf, writeStamp } from './stamp.ts'
import type { Step } from './step.ts'

const requirements = join(projectDir, 'tools', 'aws-emulator', 'requirements.txt')
const dir = join(toolsDir, 'aws-emulator')
const python = join('bin', 'python3')

/** How a person gets Python. */
export const pythonRemedy =
  'Install Python 3.11 or newer with its venv module (Debian: apt-get install python3-venv); only npm test and npm run test:long need it.'

/** The Python that has the emulator, as `-m ministack`. @throws KbgError `emulator-missing` */
export function emulatorPython(): string {
  const path = join(dir, python)
  if (existsSync(path)) return path
  throw new KbgError('emulator-missing', "The test of what is published in AWS needs MiniStack, which set-up didn't install.", { remedy: pythonRemedy })
}

/** MiniStack in `.kbg/.tools/aws-emulator`, a Python environment of its own; every file of it is checked against its hash. */
export const emulatorStep: Step = {
  name: 'MiniStack (for npm test)',
  done: () => isStamped(dir, 'emulator', key()),
  run: async () => {
    const systemPython = requireOnPath('python3', 'Emulating AWS', pythonRemedy)
    rmSync(dir, { recursive: true, force: true })
    await mustRun(systemPython, ['-m', 'venv', dir], { deadlineSeconds: 120 })
    const options = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:', '--require-hashes']
    await mustRun(join(dir, python), ['-m', 'pip', 'install', ...options, '-r', requirements], { deadlineSeconds: 300 })
    writeStamp(dir, 'emulator', key(), ['pyvenv.cfg'])
    return 'from PyPI, checked'
  },
}

function key(): string {
  return keyOf([{ file: requirements }])
}
