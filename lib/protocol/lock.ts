/**
 * Locks at one master: first come, first served; fenced by tokens; not reentrant. The rules are in
 * `docs/protocols/lock.md`.
 *
 * Rule 1: a lock is kept only while somebody holds it; whoever waits, waits for a holder.
 * Rule 2: in the outputs of a step, `freed` and `granted` stand before every answer and refusal, so
 * that the stores know the new holder before the holder knows it.
 */
import type { GoawayErrorCode } from '../errors.ts'
import { lockQueueMax, locksMax } from '../limits.ts'
import type { LockAnswer, LockOperation } from '../wire/messages.ts'
import { findDeadlock } from './deadlock.ts'
import type { HeldLock, LockClient, LockMutant, LockState, LockWaiter } from './lock-state.ts'
import { isObjectLock, lockText } from './lock-state.ts'
import type { Machine } from './machine.ts'

export type { LockMutant, LockState } from './lock-state.ts'

export type LockInput =
  | {
      readonly type: 'request'
      /** The session of one thread. */
      readonly client: number
      /** 0: nobody waits for the answer. An `acquire` without a call has no effect. */
      readonly call: number
      /** The routine that asks; 0 for code outside of any, whose tasks contend with each other. */
      readonly owner: number
      /** The client's thread, as a person would name it. */
      readonly thread: number
      /** The thread does nothing else until the answer has come. */
      readonly blocking: boolean
      /** Of the client's node, under which the lock is asked for; none where it is served. */
      readonly session?: number
      readonly operation: LockOperation
    }
  /** The caller no longer wants the lock that this call asked for. */
  | { readonly type: 'forget'; readonly client: number; readonly call: number }
  /** A routine came to its end, and its last request has been taken. */
  | { readonly type: 'ownerEnded'; readonly client: number; readonly owner: number }
  /** Its thread is gone, and no request of it will be taken any more. */
  | { readonly type: 'clientLost'; readonly client: number }
  /** A node's session is over. These clients have asked for locks under it, among others. */
  | {
      readonly type: 'sessionEnded'
      readonly clients: readonly number[]
      readonly session: number
    }

export type LockOutput =
  | {
      readonly type: 'answer'
      readonly client: number
      readonly call: number
      readonly answer: LockAnswer
    }
  | {
      readonly type: 'refuse'
      readonly client: number
      readonly call: number
      readonly code: GoawayErrorCode
      readonly message: string
    }
  | { readonly type: 'parked'; readonly client: number; readonly call: number }
  | { readonly type: 'granted'; readonly lock: string; readonly token: number }
  | { readonly type: 'freed'; readonly lock: string; readonly token: number }
  /**
   * What became of a `forget`. `forgotten`: the call has left the queue and gets no answer. If not,
   * and the token is not 0, the lock was granted before and is still held: release it in the
   * client's name.
   */
  | {
      readonly type: 'forgotten'
      readonly client: number
      readonly call: number
      readonly forgotten: boolean
      readonly lock: string
      readonly token: number
    }

export interface LockParameters {
  readonly mutant?: LockMutant
}

export const lock = { initial, step } satisfies Machine<
  LockState,
  LockInput,
  LockOutput,
  LockParameters
>

type LockRequest = Extract<LockInput, { type: 'request' }>

const nothing: readonly LockOutput[] = []

function initial(parameters?: LockParameters): LockState {
  const mutant = parameters?.mutant ?? null
  return { mutant, lastToken: 0, locks: new Map(), clients: new Map() }
}

function step(state: LockState, input: LockInput): readonly LockOutput[] {
  switch (input.type) {
    case 'request':
      return request(state, input)
    case 'forget':
      return forget(state, input.client, input.call)
    case 'ownerEnded':
      return ownerEnded(state, input.client, input.owner)
    case 'clientLost':
      return clientLost(state, input.client)
    case 'sessionEnded':
      return sessionEnded(state, input.clients, input.session)
  }
}

function request(state: LockState, input: LockRequest): readonly LockOutput[] {
  const operation = input.operation
  switch (operation[0]) {
    case 'acquire':
      return acquire(state, input, operation[1], true)
    case 'tryAcquire':
      return acquire(state, input, operation[1], false)
    case 'release':
      return release(state, input, operation[1], operation[2])
    default: {
      const name: unknown = (operation as readonly unknown[])[0]
      return refuse(input, 'ERR_GOAWAY_PROTOCOL', `lock operation: ${String(name)} is not known`)
    }
  }
}

function acquire(
  state: LockState,
  input: LockRequest,
  name: string,
  mayWait: boolean,
): readonly LockOutput[] {
  // Nobody would ever learn the token, and so nobody could release it.
  if (input.call === 0) return nothing
  const held = state.locks.get(name)
  if (held === undefined) return acquireFree(state, input, name)
  if (input.owner !== 0 && isAtLock(state, input, held)) {
    const who = `routine ${input.owner}`
    const message = `acquire ${lockText(name)}: ${who} holds it or waits for it already`
    return refuse(input, 'ERR_GOAWAY_LOCK_HELD', message)
  }
  if (!mayWait) return answer(input, 0)
  return enqueue(state, input, held)
}

function acquireFree(state: LockState, input: LockRequest, name: string): readonly LockOutput[] {
  if (state.locks.size >= locksMax) {
    const message = `acquire ${lockText(name)}: ${locksMax} locks are held already`
    return refuse(input, 'ERR_GOAWAY_LIMIT', message)
  }
  const { client, thread, owner, call, session = 0 } = input
  state.lastToken += 1
  const token = state.lastToken
  const holder = { client, thread, owner, session, call, token }
  state.locks.set(name, { name, ...holder, lastTicket: 0, queue: [] })
  openClient(state, client).holds.set(name, call)
  return [
    { type: 'granted', lock: name, token },
    { type: 'answer', client, call, answer: token },
  ]
}

function enqueue(state: LockState, input: LockRequest, held: HeldLock): readonly LockOutput[] {
  const { client, thread, owner, call, blocking, session = 0 } = input
  if (state.clients.get(client)?.waits.has(call)) {
    return refuse(input, 'ERR_GOAWAY_PROTOCOL', `acquire: call ${call} waits already`)
  }
  if (held.queue.length >= lockQueueMax) {
    const message = `acquire ${lockText(held.name)}: ${lockQueueMax} calls wait already`
    return refuse(input, 'ERR_GOAWAY_LIMIT', message)
  }
  const ticket = held.lastTicket + 1
  const who = { client, thread, call, owner, session, blocking }
  const waiter: LockWaiter = { lock: held.name, ...who, ticket }
  const cycle = findDeadlock(state, waiter)
  if (cycle !== null) {
    const message = `acquire ${lockText(held.name)}: it would wait for itself: ${cycle}`
    return refuse(input, 'ERR_GOAWAY_DEADLOCK', message)
  }
  held.lastTicket = ticket
  held.queue.push(waiter)
  openClient(state, client).waits.set(call, waiter)
  return [{ type: 'parked', client, call }]
}

function release(
  state: LockState,
  input: LockRequest,
  name: string,
  token: number,
): readonly LockOutput[] {
  const held = state.locks.get(name)
  if (held === undefined || held.token !== token || held.client !== input.client) {
    const message = `release ${lockText(name)}: token ${token} does not hold it here`
    return refuse(input, 'ERR_GOAWAY_LOCK_NOT_HELD', message)
  }
  const effects: LockOutput[] = []
  const answers: LockOutput[] = [...answer(input, null)]
  free(state, held, effects, answers)
  return effects.concat(answers)
}

function forget(state: LockState, client: number, call: number): readonly LockOutput[] {
  const waiter = state.clients.get(client)?.waits.get(call)
  if (waiter !== undefined) {
    leaveQueue(state, waiter)
    return [{ type: 'forgotten', client, call, forgotten: true, lock: waiter.lock, token: 0 }]
  }
  for (const [name, grantedTo] of state.clients.get(client)?.holds ?? []) {
    if (grantedTo !== call) continue
    const token = state.locks.get(name)?.token ?? 0
    return [{ type: 'forgotten', client, call, forgotten: false, lock: name, token }]
  }
  return [{ type: 'forgotten', client, call, forgotten: false, lock: '', token: 0 }]
}

function ownerEnded(state: LockState, client: number, owner: number): readonly LockOutput[] {
  const entry = state.clients.get(client)
  // Code outside of routines does not end before its thread does.
  if (entry === undefined || owner === 0) return nothing
  const effects: LockOutput[] = []
  const answers: LockOutput[] = []
  for (const waiter of [...entry.waits.values()]) {
    if (waiter.owner !== owner || isObjectLock(waiter.lock)) continue
    leaveQueue(state, waiter)
    const message = `acquire ${lockText(waiter.lock)}: routine ${owner} has ended`
    const { call } = waiter
    answers.push({ type: 'refuse', client, call, code: 'ERR_GOAWAY_CANCELLED', message })
  }
  for (const name of [...entry.holds.keys()]) {
    const held = state.locks.get(name)
    if (held?.owner === owner && !isObjectLock(name)) free(state, held, effects, answers)
  }
  return effects.concat(answers)
}

function clientLost(state: LockState, client: number): readonly LockOutput[] {
  const entry = state.clients.get(client)
  if (entry === undefined) return nothing
  const effects: LockOutput[] = []
  const answers: LockOutput[] = []
  // Its waits go first, lest a lock of its own be granted to it once more.
  for (const waiter of [...entry.waits.values()]) {
    if (!isObjectLock(waiter.lock)) leaveQueue(state, waiter)
  }
  for (const name of [...entry.holds.keys()]) {
    const held = state.locks.get(name)
    if (held !== undefined && !isObjectLock(name)) free(state, held, effects, answers)
  }
  return effects.concat(answers)
}

function sessionEnded(
  state: LockState,
  clients: readonly number[],
  session: number,
): readonly LockOutput[] {
  const effects: LockOutput[] = []
  const answers: LockOutput[] = []
  const entries = clients.flatMap((client) => state.clients.get(client) ?? [])
  // Its waits go first, of all clients, lest a lock be granted to the session once more.
  for (const waiter of entries.flatMap(({ waits }) => [...waits.values()])) {
    if (waiter.session !== session) continue
    leaveQueue(state, waiter)
    const { client, call } = waiter
    const message = `acquire ${lockText(waiter.lock)}: ${sessionIsOver}`
    answers.push({ type: 'refuse', client, call, code: 'ERR_GOAWAY_SESSION_LOST', message })
  }
  for (const name of entries.flatMap(({ holds }) => [...holds.keys()])) {
    const held = state.locks.get(name)
    if (held?.session === session) free(state, held, effects, answers)
  }
  return effects.concat(answers)
}

/** What whoever waited under a session is told. */
export const sessionIsOver =
  'the session of its node with the one that serves the lock is over; ask again'

/** Takes the lock from its holder and hands it to the first in the queue. */
function free(
  state: LockState,
  held: HeldLock,
  effects: LockOutput[],
  answers: LockOutput[],
): void {
  effects.push({ type: 'freed', lock: held.name, token: held.token })
  const former = state.clients.get(held.client)
  former?.holds.delete(held.name)
  closeClient(state, held.client, former)
  const next = held.queue.shift()
  if (next === undefined) {
    state.locks.delete(held.name)
    return
  }
  const { client, call } = next
  if (state.mutant !== 'token not raised') state.lastToken += 1
  held.client = client
  held.thread = next.thread
  held.owner = next.owner
  held.session = next.session
  held.call = call
  held.token = state.lastToken
  const entry = openClient(state, client)
  entry.waits.delete(call)
  entry.holds.set(held.name, call)
  effects.push({ type: 'granted', lock: held.name, token: held.token })
  answers.push({ type: 'answer', client, call, answer: held.token })
}

function leaveQueue(state: LockState, waiter: LockWaiter): void {
  const queue = state.locks.get(waiter.lock)?.queue ?? []
  const index = queue.findIndex((each) => each.ticket === waiter.ticket)
  if (index >= 0) queue.splice(index, 1)
  const entry = state.clients.get(waiter.client)
  entry?.waits.delete(waiter.call)
  closeClient(state, waiter.client, entry)
}

function openClient(state: LockState, client: number): LockClient {
  let entry = state.clients.get(client)
  if (entry === undefined) {
    entry = { holds: new Map(), waits: new Map() }
    state.clients.set(client, entry)
  }
  return entry
}

function closeClient(state: LockState, client: number, entry: LockClient | undefined): void {
  if (entry?.holds.size === 0 && entry.waits.size === 0) state.clients.delete(client)
}

/** Whether the routine that asks holds the lock or is in its queue. */
function isAtLock(state: LockState, input: LockRequest, held: HeldLock): boolean {
  const { client, owner } = input
  if (held.client === client && held.owner === owner) return true
  // By client, not along the queue: a thread waits for little, while a queue may be long.
  for (const waiter of state.clients.get(client)?.waits.values() ?? []) {
    if (waiter.owner === owner && waiter.lock === held.name) return true
  }
  return false
}

function answer(input: LockRequest, value: LockAnswer): readonly LockOutput[] {
  if (input.call === 0) return nothing
  return [{ type: 'answer', client: input.client, call: input.call, answer: value }]
}

function refuse(input: LockRequest, code: GoawayErrorCode, message: string): readonly LockOutput[] {
  if (input.call === 0) return nothing
  return [{ type: 'refuse', client: input.client, call: input.call, code, message }]
}
