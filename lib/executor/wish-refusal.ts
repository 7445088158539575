/** What is said when a routine cannot run where it was to run. */
import type { ErrorRecord } from '../wire/error-record.ts'
import type { Task } from './contract.ts'
import type { RemoteNode } from './remote-node.ts'
import { failure, titleOf } from './running-routine.ts'

/** Why no node can run it: there never was one, or it is lost. */
export function wishRefused(
  task: Task,
  nodes: readonly Pick<RemoteNode, 'name' | 'labels' | 'threads'>[],
  lost: ReadonlyMap<string, readonly string[]>,
): ErrorRecord {
  const { on } = task.terms
  const { routine } = task
  const title = titleOf({ task })
  const gone = [...lost].filter(([name, labels]) => on === '' || name === on || labels.includes(on))
  if (gone.length > 0) {
    const names = gone.map(([name]) => name).join(', ')
    const text = `Routine ${title} has no node left to run on: ${names} is lost`
    const details = { routine, node: gone[0]?.[0] as string, maybeExecuted: false }
    return failure('ERR_GOAWAY_NODE_LOST', text, details)
  }
  const able = nodes.filter(({ threads }) => threads > 0)
  const there = [...new Set(['local', ...able.flatMap(({ name, labels }) => [name, ...labels])])]
  const why =
    on === ''
      ? 'no node of the cluster has threads'
      : `${JSON.stringify(on)} is neither a node with threads nor a label of one; there are ` +
        there.join(', ')
  const text = `Routine ${title} has no node to run on: ${why}`
  return failure('ERR_GOAWAY_CONFIG', text, { routine })
}

/** Why a node without a cluster cannot run it: it was asked for another. */
export function refusedAlone(task: Task): ErrorRecord | undefined {
  const { on } = task.terms
  return on === '' || on === 'local' ? undefined : wishRefused(task, [], new Map())
}

/** Its value lies in the memory of this process, and was to go to another. */
export function portRefused(what: string, on: string): ErrorRecord {
  const where = on === '' ? 'another node' : JSON.stringify(on)
  const text =
    `${what} cannot leave its process, and was to go to ${where}: shared memory and what is ` +
    'moved by `transfer` stay in one process; pass a copy, such as value.slice(), put() that, ' +
    "keep it in a store, or run the routine with on: 'local'"
  return failure('ERR_GOAWAY_VALUE', text)
}
