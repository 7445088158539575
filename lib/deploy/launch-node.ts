/** Starts a node in the way that the cluster file says, if it has to be started. */
import type { Launch, NodeConfig } from './cluster-config.ts'
import { isListening } from './is-listening.ts'
import { type LaunchedNode, type LaunchLocalOptions, launchLocal } from './launch-local.ts'
import { launchSsh } from './launch-ssh.ts'

/** How long to look whether a node is there already. */
const lookMs = 1_000

/**
 * Undefined: it was not started, because that is for others (`none`), or because it is there
 * already, as after `goaway up`.
 *
 * @throws {GoawayError} ERR_GOAWAY_LAUNCH
 */
export async function launchNode(
  launch: Launch,
  node: NodeConfig,
  options: LaunchLocalOptions,
): Promise<LaunchedNode | undefined> {
  if (launch === 'none') return undefined
  // Port 0 is a new one, where nobody can be.
  if (node.port !== 0 && (await isListening(node, lookMs))) return undefined
  return launch === 'local' ? launchLocal(node, options) : launchSsh(node, options)
}
