/** `goaway down`: ends the nodes of a cluster for good. */

import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import type { Argv, CommandModule } from 'yargs'
import { askToStop } from '../deploy/ask-node.ts'
import type { NodeConfig } from '../deploy/cluster-config.ts'
import { isListening } from '../deploy/is-listening.ts'
import { isGoawayError } from '../errors.ts'
import { nodeStopMs } from '../limits.ts'
import type { Credentials } from '../transport/credentials.ts'
import {
  answerMs,
  type ClusterArguments,
  nodeText,
  openCluster,
  withCluster,
} from './cluster-argument.ts'

/** In milliseconds: a node's port may be free for a moment, between two applications. */
const lookMs = 1_500
const pollMs = 50

export const downCommand: CommandModule<object, ClusterArguments> = {
  command: 'down [cluster]',
  describe: 'End the nodes of a cluster for good',
  builder: (parser) =>
    withCluster(parser as Argv<ClusterArguments>)
      .usage('$0 down [cluster.yaml]')
      .example('$0 down', 'ends the nodes of cluster.yaml, and what runs on them')
      .epilogue(
        'However they were started; what runs on them is lost. A node that does not run is left ' +
          'alone. Under systemd a node comes back if its unit says so.\n\n' +
          'Exit codes: 0 no node runs any more, 1 some may, 2 the arguments or the file make no ' +
          'sense.',
      ),
  handler: async ({ cluster }) => {
    const { nodes, credentials } = openCluster({ cluster })
    const done = await Promise.all(nodes.map((node) => end(node, credentials)))
    process.exitCode = done.every((down) => down) ? 0 : 1
  },
}

/** Whether the node is down now; says what it did. */
async function end(node: NodeConfig, credentials: Credentials): Promise<boolean> {
  try {
    const timeoutMs = (await isListening(node, lookMs)) ? answerMs : lookMs
    await askToStop(node, { credentials, timeoutMs })
  } catch (error) {
    if (!isGoawayError(error)) throw error
    if ((error.cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED') {
      console.log(`${nodeText(node)}: does not run`)
      return true
    }
    console.error(`${nodeText(node)}: ${error.message}`)
    return false
  }
  const until = performance.now() + nodeStopMs
  while (await isListening(node, pollMs)) {
    if (performance.now() > until) {
      console.error(`${nodeText(node)}: was asked to end, and listens still; see its log`)
      return false
    }
    await pause(pollMs)
  }
  console.log(`${nodeText(node)}: ended`)
  return true
}
