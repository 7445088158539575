/** What the commands share that are about all nodes of a cluster file. */
import process from 'node:process'
import type { Argv } from 'yargs'
import type { ClusterConfig, NodeConfig } from '../deploy/cluster-config.ts'
import { readCluster } from '../deploy/cluster-file.ts'
import { addressText } from '../deploy/listen-address.ts'
import { loadCredentials } from '../deploy/secret.ts'
import { GoawayError } from '../errors.ts'
import type { Credentials } from '../transport/credentials.ts'

export interface ClusterArguments {
  cluster: string
}

export interface OpenCluster extends ClusterConfig {
  readonly credentials: Credentials
}

/** The variable that names the cluster file where no argument does. */
export const clusterVariable = 'GOAWAY_CLUSTER'

/** A node that listens is believed to be busy, and not broken, for so long, in milliseconds. */
export const answerMs = 15_000

export function withCluster<T>(parser: Argv<T>): Argv<T & ClusterArguments> {
  return parser.positional('cluster', {
    type: 'string',
    default: process.env[clusterVariable] || 'cluster.yaml',
    defaultDescription: `${clusterVariable}, or cluster.yaml`,
    describe: 'The cluster file',
  }) as Argv<T & ClusterArguments>
}

/**
 * The cluster of a file whose nodes can be found: each has a port that is known beforehand.
 *
 * @throws {GoawayError} ERR_GOAWAY_CONFIG, ERR_GOAWAY_SECRET
 */
export function openCluster({ cluster }: ClusterArguments): OpenCluster {
  const config = readCluster(cluster)
  const node = config.nodes.find(({ port }) => port === 0)
  if (node !== undefined) {
    throw new GoawayError(
      'ERR_GOAWAY_CONFIG',
      `Cannot find node ${node.name} of ${cluster}: it has no port, so it lives with the program ` +
        'that starts it; list the nodes, each with a port',
    )
  }
  return { ...config, credentials: loadCredentials(config.credentialsFrom) }
}

export function nodeText(node: NodeConfig): string {
  const address = addressText(node)
  return node.name === address ? address : `${node.name} (${address})`
}
