/** `goaway node` with the stand-in for its node process. */
import process from 'node:process'
import yargs, { type CommandModule } from 'yargs'
import { keepNode, type NodeArguments, nodeCommand } from '../../lib/cli/node-command.ts'
import { standIn } from './stand-in.ts'

await yargs(process.argv.slice(2))
  .command({
    ...nodeCommand,
    handler: (given) => keepNode(given as unknown as NodeArguments, standIn),
  } as CommandModule<object, never> as CommandModule)
  .strict()
  .fail((message, error) => {
    console.error(error?.message ?? message)
    process.exit(1)
  })
  .parseAsync()
