/** Runs Node in a process of its own that takes the place of this one, as far as others can see. */
import { spawn } from 'node:child_process'
import process from 'node:process'

/** Signals that ask a program to stop, or tell it of its terminal. */
const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const

/** What the terminal's keys send to every process in the foreground, the child included. */
const fromKeys: ReadonlySet<string> = new Set(['SIGINT', 'SIGQUIT'])

/** Resolves never: this process ends as the program has ended, by code or by signal. */
export async function runProgram(
  options: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const child = spawn(process.execPath, [...process.execArgv, ...options], {
    stdio: 'inherit',
    env,
  })
  for (const signal of forwarded) {
    process.on(signal, () => {
      // Ctrl-C must not arrive twice: for many programs the second means "at once".
      if (!(process.stdin.isTTY && fromKeys.has(signal))) child.kill(signal)
    })
  }
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>(
    (resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (...how) => resolve(how))
    },
  )
  if (signal === null) process.exit(code ?? 1)
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}
