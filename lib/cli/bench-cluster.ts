/** The first so many nodes of a cluster file, and what `--nodes` may ask for. */
import { inspect } from 'node:util'
import type { ClusterConfig } from '../deploy/cluster-config.ts'
import { GoawayError } from '../errors.ts'
import type { ClusterOptions } from '../index.ts'
import { clusterNodesMax } from '../limits.ts'

/** The nodes of the file, and this process. */
export function nodesMaxOf(config: ClusterConfig | undefined): number {
  return (config?.nodes.length ?? clusterNodesMax) + 1
}

/** What the file says, of fewer nodes. Its paths are full ones by now. */
export function clusterOfNodes(config: ClusterConfig): (nodes: number) => ClusterOptions {
  const { launch, credentialsFrom, nodeTimeoutMs, linkGraceMs, sessionMs, startTimeoutMs } = config
  return (nodes) => ({
    launch,
    nodes: config.nodes.slice(0, nodes - 1).map(({ index, port, ...node }) => ({
      ...node,
      // None is any free one.
      ...(port === 0 ? {} : { port }),
    })),
    ...credentialsFrom,
    ...{ nodeTimeoutMs, linkGraceMs, sessionMs, startTimeoutMs },
    threads: 1,
    // What is asked of the node that serves can be told from the rest only so.
    placement: 'first',
  })
}

/** @throws {GoawayError} ERR_GOAWAY_CONFIG */
export function nodesOfArgument(texts: readonly string[]): number[] {
  return texts
    .flatMap((text) => String(text).split(','))
    .map((text) => {
      const nodes = Number(text)
      if (Number.isSafeInteger(nodes) && nodes >= 1) return nodes
      throw refuseNodes('has to be whole numbers from 1', text)
    })
}

/** @throws {GoawayError} ERR_GOAWAY_CONFIG where there are not as many nodes */
export function checkNodes(nodes: readonly number[] | undefined, most: number): void {
  const tooMany = nodes?.find((count) => count > most)
  if (tooMany === undefined) return
  throw refuseNodes(`has to be ${most} at most, the nodes there are and this process`, tooMany)
}

function refuseNodes(why: string, value: unknown): GoawayError {
  return new GoawayError('ERR_GOAWAY_CONFIG', `Option --nodes ${why}: ${inspect(value)}`)
}
