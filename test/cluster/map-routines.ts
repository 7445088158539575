/** What `map` runs on the nodes of a cluster. */
import process from 'node:process'
import { context, LinFastRead } from 'goaway'
import { untilAborted } from '../handles/until-aborted.ts'

/** It outlives the node that is killed. */
export const kills = LinFastRead('map-kills', { calls: 0, hung: 0, node: '' })

/** One of the items takes the process of its node with it, at its first attempt. */
export async function killNodeOnce(value: number): Promise<number> {
  if (value === 5 && (await kills.add('calls')) === 1) process.kill(process.pid, 'SIGKILL')
  return value
}

/** One of the items hangs where it runs first, and tells where. */
export async function hangAtFirstNode(value: number): Promise<string> {
  if (value === 7 && (await kills.add('hung')) === 1) {
    const { node, signal } = context()
    await kills.set('node', node)
    await untilAborted(signal)
  }
  return context().node
}
