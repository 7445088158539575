/**
 * The command line: one file a command; this one only joins them. Only the command that is asked
 * for is loaded, so that none of the others slows the start of a program.
 *
 * Exit codes: 0 it went well, 1 it failed, 2 the arguments or the cluster file make no sense; those
 * of a program or of a check are their own.
 */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import yargs, { type CommandModule } from 'yargs'
import { GoawayError, isGoawayError } from '../errors.ts'

const exitFailed = 1
/** As of `sh` and `grep`. */
const exitUsage = 2
const columnsMax = 100
/** Errors in what was given to a command. */
const usageCodes = ['ERR_GOAWAY_CONFIG', 'ERR_GOAWAY_HISTORY'] as const

/** Each has arguments of its own, which yargs checks. */
type Command = CommandModule<object, never>

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run-command.ts')).runCommand as Command,
  node: async () => (await import('./node-command.ts')).nodeCommand as Command,
  up: async () => (await import('./up-command.ts')).upCommand as Command,
  down: async () => (await import('./down-command.ts')).downCommand as Command,
  status: async () => (await import('./status-command.ts')).statusCommand as Command,
  check: async () => (await import('./check-command.ts')).checkCommand as Command,
  bench: async () => (await import('./bench-command.ts')).benchCommand as Command,
  top: async () => (await import('./top-command.ts')).topCommand as Command,
}

const asked = process.argv[2] ?? ''
const isCommand = Object.hasOwn(commands, asked)
const loaded = await Promise.all(
  Object.keys(commands)
    .filter((name) => !isCommand || name === asked)
    .map((name) => commands[name]?.() as Promise<Command>),
)

await yargs(await programArguments(process.argv.slice(2)))
  .scriptName('goaway')
  .usage('$0 <command>')
  .wrap(Math.min(columnsMax, process.stdout.columns || columnsMax))
  .command(loaded as CommandModule[])
  .demandCommand(1, 'Missing command')
  .parserConfiguration({ 'populate--': true })
  .strict()
  .version(packageVersion())
  .help()
  .fail((message, error) => {
    // Of an option without its value, yargs makes an error of its own.
    const isArgument = !error || error.name === 'YError'
    if (!isArgument && !(error instanceof GoawayError)) throw error
    const help = isCommand ? `goaway ${asked} --help` : 'goaway --help'
    console.error(isArgument ? `${error?.message ?? message}; see ${help}` : error.message)
    const isUsage = usageCodes.some((code) => isGoawayError(error, code))
    process.exit(isArgument || isUsage ? exitUsage : exitFailed)
  })
  .parseAsync()

/** What comes after the name of a program to run is none of our business. */
async function programArguments(argv: readonly string[]): Promise<string[]> {
  if (asked !== 'run') return [...argv]
  return (await import('./run-command.ts')).splitProgram(argv)
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
