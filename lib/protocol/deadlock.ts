/**
 * Would this request wait for itself? The graph and the proof that looking at requests is enough
 * are in `docs/protocols/lock.md`, "Deadlock".
 *
 * An actor is a routine, or the code outside of routines (owner 0) of one thread. It needs
 * - for each lock it waits for: the holder, and everybody who is before it in the queue;
 * - if a call blocks its thread: the actor that made this call.
 *
 * It needs all of these, so a cycle of needs is a deadlock, and there is none without a cycle.
 */
import type { LockState, LockWaiter } from './lock-state.ts'
import { lockText } from './lock-state.ts'

interface Actor {
  readonly client: number
  readonly thread: number
  readonly owner: number
}

/** Why one actor needs the next. */
interface Need {
  readonly from: Actor
  readonly to: Actor
  readonly why: 'holder' | 'queue' | 'thread'
  readonly lock: string
}

/**
 * The cycle that the request would close, in words; `null` when it may wait. It is not in the queue
 * yet.
 */
export function findDeadlock(state: LockState, request: LockWaiter): string | null {
  if (!isNeeded(state, request)) return null
  const start = actorKey(request)
  // How each actor was reached. Breadth first, so that the words name a shortest cycle.
  const reached = new Map<string, Need>()
  const frontier: Actor[] = [request]
  // Up to which ticket a queue was walked: without it, a long queue would be walked by each in it.
  const walked = new Map<string, number>()
  for (let index = 0; index < frontier.length; index += 1) {
    const actor = frontier[index]
    if (actor === undefined) break
    for (const need of needsOf(state, request, actor, walked)) {
      const key = actorKey(need.to)
      if (reached.has(key)) continue
      reached.set(key, need)
      if (key === start) return describeCycle(reached, start)
      frontier.push(need.to)
    }
  }
  return null
}

/**
 * A cycle needs somebody who needs the one that asks: most requests come from those who hold
 * nothing.
 */
function isNeeded(state: LockState, request: LockWaiter): boolean {
  // An asynchronous wait outside of routines stops no one: other tasks of that thread go on.
  if (!request.blocking && request.owner === 0) return false
  const client = state.clients.get(request.client)
  if (client === undefined) return false
  if (request.blocking) return true
  for (const name of client.holds.keys()) {
    if (state.locks.get(name)?.owner === request.owner) return true
  }
  for (const waiter of client.waits.values()) {
    if (waiter.owner === request.owner) return true
  }
  return false
}

function needsOf(
  state: LockState,
  request: LockWaiter,
  actor: Actor,
  walked: Map<string, number>,
): Need[] {
  const needs: Need[] = []
  const waits = [...(state.clients.get(actor.client)?.waits.values() ?? [])]
  if (actor.client === request.client) waits.push(request)
  for (const waiter of waits) {
    if (waiter.owner === actor.owner) {
      if (waiter.blocking || waiter.owner !== 0)
        addQueueNeeds(state, request, waiter, needs, walked)
    } else if (waiter.blocking) {
      needs.push({ from: actor, to: waiter, why: 'thread', lock: waiter.lock })
    }
  }
  return needs
}

function addQueueNeeds(
  state: LockState,
  request: LockWaiter,
  waiter: LockWaiter,
  needs: Need[],
  walked: Map<string, number>,
): void {
  const held = state.locks.get(waiter.lock)
  if (held === undefined) return
  const { lock } = waiter
  const from = walked.get(lock)
  if (from === undefined) needs.push({ from: waiter, to: held, why: 'holder', lock })
  if (from !== undefined && from >= waiter.ticket) return
  walked.set(lock, waiter.ticket)
  for (const earlier of held.queue) {
    if (earlier.ticket >= waiter.ticket) break
    if (from !== undefined && earlier.ticket < from) continue
    if (isDeadEnd(state, request, earlier)) continue
    needs.push({ from: waiter, to: earlier, why: 'queue', lock })
  }
}

/** Who waits for this lock alone needs nobody whom the walk of its queue does not meet. */
function isDeadEnd(state: LockState, request: LockWaiter, waiter: LockWaiter): boolean {
  return waiter.client !== request.client && state.clients.get(waiter.client)?.waits.size === 1
}

function actorKey(actor: Actor): string {
  return `${actor.client}.${actor.owner}`
}

function describeCycle(reached: ReadonlyMap<string, Need>, start: string): string {
  const words: string[] = []
  let key = start
  do {
    const need = reached.get(key)
    if (need === undefined) break
    words.unshift(`${actorName(need.from)} ${reason(need)} ${actorName(need.to)}`)
    key = actorKey(need.from)
  } while (key !== start)
  return words.join('; ')
}

function reason(need: Need): string {
  switch (need.why) {
    case 'holder':
      return `waits for ${lockText(need.lock)} of`
    case 'queue':
      return `waits for ${lockText(need.lock)} behind`
    case 'thread':
      return `shares thread ${need.from.thread}, blocked by`
  }
}

function actorName(actor: Actor): string {
  if (actor.owner === 0) return `the program on thread ${actor.thread}`
  return `routine ${actor.owner} (thread ${actor.thread})`
}
