/** What `map` runs on the nodes of a cluster. */
import process from 'node:process'
import { LinFastRead } from 'goaway'

/** It outlives the node that is killed. */
export const kills = LinFastRead('map-kills', { calls: 0 })

/** One of the items takes the process of its node with it, at its first attempt. */
export async function killNodeOnce(value: number): Promise<number> {
  if (value === 5 && (await kills.add('calls')) === 1) process.kill(process.pid, 'SIGKILL')
  return value
}
