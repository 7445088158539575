/** `goaway status`: what the nodes of a cluster do now. */
import process from 'node:process'
import type { Argv, CommandModule } from 'yargs'
import { type ClusterArguments, openCluster, withCluster } from './cluster-argument.ts'
import { askAll } from './node-states.ts'
import { tableOf } from './node-table.ts'

interface StatusArguments extends ClusterArguments {
  json?: boolean | undefined
  timeout: number
}

const timeoutMsDefault = 2_000

export const statusCommand: CommandModule<object, StatusArguments> = {
  command: 'status [cluster]',
  describe: 'Show what the nodes of a cluster do',
  builder: (parser) =>
    withCluster(parser as Argv<StatusArguments>)
      .usage('$0 status [cluster.yaml]')
      .option('json', { type: 'boolean', describe: 'As JSON: a list, one object a node' })
      .option('timeout', {
        type: 'number',
        requiresArg: true,
        default: timeoutMsDefault,
        describe: 'Milliseconds to wait for a node that does not answer',
      })
      .example('$0 status', 'of cluster.yaml in this folder')
      .example("$0 status --json | jq '.[].status.running'", 'for programs')
      .epilogue(
        'Exit codes: 0 all nodes answer, 1 some do not, 2 the arguments or the file make no sense.',
      ),
  handler: showStatus,
}

async function showStatus({ cluster, json, timeout }: StatusArguments): Promise<void> {
  const { nodes, credentials } = openCluster({ cluster })
  const states = await askAll(nodes, { credentials, timeoutMs: timeout })
  console.log(json === true ? JSON.stringify(states, null, 2) : tableOf(states, Date.now()))
  process.exitCode = states.every(({ reachable }) => reachable) ? 0 : 1
}
