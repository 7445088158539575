/** The state of every node of a cluster, asked all at once. */
import { type AskOptions, askStatus } from '../deploy/ask-node.ts'
import type { NodeConfig } from '../deploy/cluster-config.ts'
import type { NodeStatus } from '../deploy/node-status.ts'
import { isGoawayError } from '../errors.ts'

/** One node, as `--json` prints it. */
export interface NodeState {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly reachable: boolean
  readonly status?: NodeStatus
  /** Why it is not reachable. */
  readonly error?: { readonly code: string; readonly message: string }
}

export function askAll(nodes: readonly NodeConfig[], options: AskOptions): Promise<NodeState[]> {
  return Promise.all(nodes.map((node) => stateOf(node, options)))
}

async function stateOf(node: NodeConfig, options: AskOptions): Promise<NodeState> {
  const { name, host, port } = node
  try {
    return { name, host, port, reachable: true, status: await askStatus(node, options) }
  } catch (error) {
    if (!isGoawayError(error)) throw error
    const { code, message } = error
    return { name, host, port, reachable: false, error: { code, message } }
  }
}
