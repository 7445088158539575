/**
 * `goaway run`: runs a program, JavaScript or TypeScript, with routines on this machine's threads.
 */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Argv, CommandModule } from 'yargs'
import { checkThreads, threadsVariable } from '../client/threads-variable.ts'
import { GoawayError } from '../errors.ts'
import { historyVariable } from '../history/history-file.ts'
import { loaderOptions } from './find-loader.ts'
import { runProgram } from './run-program.ts'

/** Read by the library, where `init` is not told of a cluster. */
const clusterVariable = 'GOAWAY_CLUSTER'

interface RunArguments {
  program: string
  threads?: string | undefined
  cluster?: string | undefined
  history?: string | undefined
  '--'?: string[] | undefined
}

const clusterOption = /^(-c|--cluster)(=|$)/

/** The options of `run` that are followed by their value. */
const optionsWithValue = new Set(['--threads', '--cluster', '-c', '--history'])

/**
 * Marks where the program's own arguments begin: what comes after its name is none of our
 * business, except for a cluster file right after it: `run app.ts -c cluster.yaml`. A program that
 * has such an option itself is given it after `--`.
 */
export function splitProgram(argv: readonly string[]): string[] {
  if (argv[0] !== 'run') return [...argv]
  let at = 1
  while (argv[at]?.startsWith('-') === true && argv[at] !== '--') {
    at += optionsWithValue.has(argv[at] as string) ? 2 : 1
  }
  if (argv[at] === undefined || argv[at] === '--') return [...argv]
  const ours = argv.slice(0, at + 1)
  const rest = argv.slice(at + 1)
  const isNamed = ours.some((option) => clusterOption.test(option))
  const next = rest[0] ?? ''
  if (!isNamed && clusterOption.test(next)) ours.push(...rest.splice(0, next.includes('=') ? 1 : 2))
  if (rest[0] === '--') rest.shift()
  return [...ours, '--', ...rest]
}

export const runCommand: CommandModule<object, RunArguments> = {
  command: 'run <program>',
  describe: 'Run a program, JavaScript or TypeScript',
  builder: (parser) =>
    (parser as Argv<RunArguments>)
      .usage('$0 run [-c cluster.yaml] [--threads n] [--history file] <program> [its arguments...]')
      .positional('program', { type: 'string', demandOption: true, describe: 'File to run' })
      .option('threads', {
        type: 'string',
        requiresArg: true,
        describe: `Routines that run at a time; sets ${threadsVariable} [default: the cores]`,
      })
      .option('cluster', {
        type: 'string',
        alias: 'c',
        requiresArg: true,
        describe: `Cluster file, on whose nodes it runs; sets ${clusterVariable}`,
      })
      .option('history', {
        type: 'string',
        requiresArg: true,
        describe: `File to record operations of objects and locks in; sets ${historyVariable}`,
      })
      .example('$0 run app.ts -- -c 3', 'a -c for the program')
      .example('$0 run app.ts', "on this machine's threads")
      .example('$0 run app.ts -c cluster.yaml --size 3', 'on a cluster; --size is for the program')
      .epilogue('Exit codes: those of the program; 2 when it, or the cluster file, is not there.'),
  handler: async ({ program, threads, cluster, history, '--': own = [] }) => {
    const path = findFile('run', program)
    const env = { ...process.env }
    if (threads !== undefined) env[threadsVariable] = String(checkThreads('--threads', threads))
    if (history !== undefined) env[historyVariable] = resolve(history)
    if (cluster !== undefined) {
      env[clusterVariable] = findFile('use cluster file', cluster)
      // What is wrong with the file is told at once, and without the stack of the program's hub.
      const { readCluster } = await import('../deploy/cluster-file.ts')
      readCluster(env[clusterVariable])
    }
    await runProgram([...loaderOptions(path), path, ...own], env)
  },
}

function findFile(action: string, file: string): string {
  const path = resolve(file)
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path
  throw new GoawayError(
    'ERR_GOAWAY_CONFIG',
    `Cannot ${action} ${file}: there is no such file: ${path}`,
  )
}
