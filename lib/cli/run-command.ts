/**
 * `goaway run`: runs a program, JavaScript or TypeScript, with routines on this machine's threads.
 */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Argv, CommandModule } from 'yargs'
import { checkThreads, threadsVariable } from '../client/threads-variable.ts'
import { GoawayError } from '../errors.ts'
import { loaderOptions } from './find-loader.ts'
import { runProgram } from './run-program.ts'

interface RunArguments {
  program: string
  threads?: string | undefined
  '--'?: string[] | undefined
}

/** The options of `run` that are followed by their value. */
const optionsWithValue = new Set(['--threads'])

/**
 * Marks where the program's own arguments begin: what comes after its name is none of our business.
 */
export function splitProgram(argv: readonly string[]): string[] {
  if (argv[0] !== 'run') return [...argv]
  let at = 1
  while (argv[at]?.startsWith('-') === true && argv[at] !== '--') {
    at += optionsWithValue.has(argv[at] as string) ? 2 : 1
  }
  if (argv[at] === undefined || argv[at] === '--') return [...argv]
  return [...argv.slice(0, at + 1), '--', ...argv.slice(at + 1)]
}

export const runCommand: CommandModule<object, RunArguments> = {
  command: 'run <program>',
  describe: 'Run a program, JavaScript or TypeScript',
  builder: (parser) =>
    (parser as Argv<RunArguments>)
      .usage('$0 run [--threads n] <program> [its arguments...]')
      .positional('program', { type: 'string', demandOption: true, describe: 'File to run' })
      .option('threads', {
        type: 'string',
        requiresArg: true,
        describe: `Routines that run at a time; sets ${threadsVariable} [default: the cores]`,
      }),
  handler: async ({ program, threads, '--': own = [] }) => {
    const path = findProgram(program)
    const env = { ...process.env }
    if (threads !== undefined) env[threadsVariable] = String(checkThreads('--threads', threads))
    await runProgram([...loaderOptions(path), path, ...own], env)
  },
}

function findProgram(program: string): string {
  const path = resolve(program)
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path
  throw new GoawayError(
    'ERR_GOAWAY_CONFIG',
    `Cannot run ${program}: there is no such file: ${path}`,
  )
}
