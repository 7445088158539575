/** The command line: one file a command; this one only joins them. */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import yargs from 'yargs'
import { GoawayError } from '../errors.ts'
import { runCommand, splitProgram } from './run-command.ts'

/** Exit code for arguments that make no sense, as of `sh` and `grep`. */
const exitUsage = 2

await yargs(splitProgram(process.argv.slice(2)))
  .scriptName('goaway')
  .usage('$0 <command>')
  .command(runCommand)
  .demandCommand(1, 'Missing command')
  .parserConfiguration({ 'populate--': true })
  .strict()
  .version(packageVersion())
  .help()
  .fail((message, error) => {
    if (error && !(error instanceof GoawayError)) throw error
    const help = process.argv[2] === 'run' ? 'goaway run --help' : 'goaway --help'
    console.error(error?.message ?? `${message}; see ${help}`)
    process.exit(exitUsage)
  })
  .parseAsync()

function packageVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
