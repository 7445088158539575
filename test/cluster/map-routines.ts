/** What `map` runs on the nodes of a cluster. */
import process from 'node:process'
import { context } from 'goaway'
import { LinFastRead } from 'goaway/sync'

/** It outlives the node that is killed. */
export const kills = LinFastRead('map-kills', { calls: 0, hung: 0 })

/** One of the items takes the process of its node with it, at its first attempt. */
export function killNodeOnce(value: number): number {
  if (value === 5 && kills.add('calls') === 1) process.kill(process.pid, 'SIGKILL')
  return value
}

const pause = new Int32Array(new SharedArrayBuffer(4))

/** Nodes that have begun an item. */
const begun = LinFastRead('map-begun', { first: 0, second: 0 })

/**
 * Keeps the only thread of its node until the other one has begun as well: a node that is quick
 * would else have done all before a slow one has looked.
 */
export function tellNodeOfBoth(): string {
  const node = context().node as 'first' | 'second'
  begun[node] = 1
  while (begun.first === 0 || begun.second === 0) Atomics.wait(pause, 0, 0, 1)
  return node
}

/** Hangs at one of the nodes, whose only thread it keeps: awaiting would leave idle hands there. */
export function hangAtFirst(): string {
  const { node } = context()
  if (node === 'first') {
    kills.add('hung')
    while (!context().cancelled) Atomics.wait(pause, 0, 0, 1)
  } else {
    // Or else a slow machine might have all done here before the other node has begun. The thread
    // is kept: a blocking wait would have another one begin the next, until none is left to hang.
    while (kills.hung === 0) Atomics.wait(pause, 0, 0, 1)
  }
  return node
}
