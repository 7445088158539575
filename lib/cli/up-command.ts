/** `goaway up`: starts the nodes of a cluster file, to stay. */
import process from 'node:process'
import type { Argv, CommandModule } from 'yargs'
import { askStatus } from '../deploy/ask-node.ts'
import type { NodeConfig } from '../deploy/cluster-config.ts'
import { storeDirectory } from '../deploy/goaway-home.ts'
import { isListening } from '../deploy/is-listening.ts'
import { launchDetached } from '../deploy/launch-detached.ts'
import { launchSsh } from '../deploy/launch-ssh.ts'
import { GoawayError, isGoawayError } from '../errors.ts'
import {
  answerMs,
  type ClusterArguments,
  nodeText,
  type OpenCluster,
  openCluster,
  withCluster,
} from './cluster-argument.ts'

/** How long to look whether a node is there already, in milliseconds. */
const lookMs = 2_000

export const upCommand: CommandModule<object, ClusterArguments> = {
  command: 'up [cluster]',
  describe: 'Start the nodes of a cluster, to stay',
  builder: (parser) =>
    withCluster(parser as Argv<ClusterArguments>)
      .usage('$0 up [cluster.yaml]')
      .example('$0 up', 'starts the nodes of cluster.yaml that do not run')
      .epilogue(
        'Over ssh where the file says "launch: ssh", on this machine where it says "launch: ' +
          'local". A node that runs is left alone. Logs are in ~/.goaway/log of each machine.\n\n' +
          'Exit codes: 0 all nodes run, 1 some do not, 2 the arguments or the file make no sense.',
      ),
  handler: async ({ cluster }) => {
    const opened = openCluster({ cluster })
    if (opened.launch === 'none') {
      throw new GoawayError(
        'ERR_GOAWAY_CONFIG',
        `Cannot start the nodes of ${cluster}: launch: none says that others start them ("goaway ` +
          'node" on each machine); write launch: ssh, or launch: local',
      )
    }
    const done = await Promise.all(opened.nodes.map((node) => start(node, opened)))
    process.exitCode = done.every((up) => up) ? 0 : 1
  },
}

/** Whether the node is up now; says what it did. */
async function start(node: NodeConfig, cluster: OpenCluster): Promise<boolean> {
  try {
    console.log(`${nodeText(node)}: ${await startUnlessThere(node, cluster)}`)
    return true
  } catch (error) {
    if (!isGoawayError(error)) throw error
    console.error(`${nodeText(node)}: ${error.message}`)
    return false
  }
}

async function startUnlessThere(node: NodeConfig, cluster: OpenCluster): Promise<string> {
  const { credentials, launch, startTimeoutMs } = cluster
  if (await isListening(node, lookMs)) {
    const { state } = await askStatus(node, { credentials, timeoutMs: answerMs })
    return `runs already, and is ${state}`
  }
  if (launch === 'ssh') {
    const { exited } = await launchSsh(node, { credentials, startTimeoutMs, detach: true })
    await exited
    return 'started over ssh'
  }
  const { name, host, port, labels, threads, threadsMax } = node
  const start = {
    listen: { host, port },
    credentials,
    name,
    labels,
    storeDirectory: storeDirectory(),
    ...(threads !== undefined && { threads }),
    ...(threadsMax !== undefined && { threadsMax }),
  }
  const { logFile, pid } = await launchDetached({ name, start })
  return `started, pid ${pid}, log ${logFile}`
}
