/** Runs a program of its own, as a user would, and gives what came of it. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import process from 'node:process'
import { withoutStrangers } from './strangers.ts'

export interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
  readonly errors: string
}

/** A program that has not ended by then hangs. */
const patienceMs = 220_000

/** What tap tells its test files is not for the programs that they run. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^(NODE_OPTIONS|TAP|GOAWAY_THREADS|NODE_V8_COVERAGE)|^_TAP|^npm_/.test(name))
      env[name] = value
  }
  return env
}

/**
 * Starts a program without the option by which tap, at every spawn, puts itself into what a test
 * starts: it would slow its threads and listen to its signals.
 */
export function spawnBare(
  command: string,
  options: readonly string[],
  spawnOptions: SpawnOptions,
): ChildProcess {
  return spawn('env', ['-u', 'NODE_OPTIONS', command, ...options], spawnOptions)
}

export function run(
  command: string,
  options: readonly string[],
  spawnOptions: SpawnOptions = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawnBare(command, options, {
      env: cleanEnvironment(),
      timeout: patienceMs,
      killSignal: 'SIGKILL',
      ...spawnOptions,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let errors = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors += text
    })
    child.once('error', reject)
    child.once('close', (code, signal) =>
      resolve({ code, signal, output, errors: withoutStrangers(errors) }),
    )
  })
}

/** Runs a program that has to end well, and gives what it printed. */
export async function runWell(
  command: string,
  options: readonly string[],
  spawnOptions: SpawnOptions = {},
): Promise<string> {
  const { code, signal, output, errors } = await run(command, options, spawnOptions)
  if (code === 0) return output
  const how = signal === null ? `code ${code}` : signal
  throw new Error(`${command} ${options.join(' ')} ended with ${how}: ${output}${errors}`)
}
