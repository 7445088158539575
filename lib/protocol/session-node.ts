/**
 * What a node knows of the locks that its clients hold at one master, and of the session under
 * which they hold them: for how long the master surely keeps it. The rules are in
 * `docs/protocols/lock.md`.
 *
 * Rule 1: a session that is over does not come back; the next one has a higher number.
 * Rule 2: the lease of a session counts from the sending of a keep, never from its answer.
 * Rule 3: whoever relies on a lock asks {@link believes} first, with the time of that moment; an
 * output that says `lost` may come too late.
 */
import { keepsMax } from '../limits.ts'
import type { Machine } from './machine.ts'
import type { SessionTimes } from './session-times.ts'

/** Why locks are lost that were not released. */
export type LossReason = 'lease' | 'ended' | 'link'

/** A lock that a client of this node holds. */
export interface Hold {
  readonly lock: string
  readonly token: number
  readonly client: number
  readonly owner: number
}

export type SessionNodeInput =
  /** A lock is about to be asked for, under `state.session`. */
  | { readonly type: 'asked'; readonly now: number }
  | ({
      readonly type: 'granted'
      /** Under which the lock was asked for. */
      readonly session: number
      readonly now: number
    } & Hold)
  | { readonly type: 'released'; readonly lock: string; readonly token: number }
  | { readonly type: 'ownerEnded'; readonly client: number; readonly owner: number }
  | { readonly type: 'clientLost'; readonly client: number }
  | {
      readonly type: 'kept'
      readonly session: number
      readonly nonce: number
      readonly now: number
    }
  /** The master knows no such session any more. */
  | { readonly type: 'ended'; readonly session: number; readonly now: number }
  /** Nothing more can be sent to the master, nor come from it. */
  | { readonly type: 'linkLost' }
  /** The clock on the wall has gone so much further than the one of `now`. */
  | { readonly type: 'clockJump'; readonly deltaMs: number; readonly now: number }
  | { readonly type: 'tick'; readonly now: number }

export type SessionNodeOutput =
  | { readonly type: 'keep'; readonly session: number; readonly nonce: number }
  /** Tell the master that nobody needs this session any more. */
  | { readonly type: 'part'; readonly session: number }
  | ({ readonly type: 'lost'; readonly reason: LossReason } & Hold)
  /** The grant came too late: the master has taken the lock back, or will. */
  | ({ readonly type: 'late' } & Hold)
  /** Tick at this time; a later `wake` takes its place. */
  | { readonly type: 'wake'; readonly at: number }

export type SessionNodeMutant = 'lease counted from receipt'

export interface SessionNodeParameters {
  readonly times: SessionTimes
  readonly mutant?: SessionNodeMutant
}

export interface SessionNodeState {
  readonly times: SessionTimes
  readonly mutant: SessionNodeMutant | null
  /** The session that is open; 0: none. */
  session: number
  lastSession: number
  leaseEndAt: number
  keepAt: number
  /** When each keep without an answer was sent, by its nonce. */
  readonly keeps: Map<number, number>
  lastNonce: number
  /** By lock. */
  readonly holds: Map<string, Hold>
  /** There is no way to the master any more. */
  over: boolean
  wakeAt: number
}

export const sessionNode: Machine<
  SessionNodeState,
  SessionNodeInput,
  SessionNodeOutput,
  SessionNodeParameters
> = { initial, step }

const nothing: readonly SessionNodeOutput[] = []

function initial({ times, mutant }: SessionNodeParameters): SessionNodeState {
  return {
    times,
    mutant: mutant ?? null,
    session: 0,
    lastSession: 0,
    leaseEndAt: -Infinity,
    keepAt: Infinity,
    keeps: new Map(),
    lastNonce: 0,
    holds: new Map(),
    over: false,
    wakeAt: Infinity,
  }
}

/** Whether the lock is held by that token, and the master cannot have passed it on yet. */
export function believes(
  state: SessionNodeState,
  lock: string,
  token: number,
  now: number,
): boolean {
  return state.holds.get(lock)?.token === token && now < state.leaseEndAt
}

function step(state: SessionNodeState, input: SessionNodeInput): readonly SessionNodeOutput[] {
  switch (input.type) {
    case 'released':
      if (state.holds.get(input.lock)?.token === input.token) state.holds.delete(input.lock)
      return nothing
    case 'ownerEnded':
      forget(state, ({ client, owner }) => client === input.client && owner === input.owner)
      return nothing
    case 'clientLost':
      forget(state, ({ client }) => client === input.client)
      return nothing
    case 'linkLost':
      state.over = true
      return end(state, 'link')
    default:
      return timed(state, input)
  }
}

type TimedInput = Extract<SessionNodeInput, { now: number }>

function timed(state: SessionNodeState, input: TimedInput): readonly SessionNodeOutput[] {
  const { now } = input
  const outputs: SessionNodeOutput[] = [...expire(state, now)]
  switch (input.type) {
    case 'asked':
      if (state.session === 0 && !state.over) open(state, now)
      break
    case 'granted':
      granted(state, input, outputs)
      break
    case 'kept':
      if (input.session === state.session) kept(state, input.nonce, now)
      break
    case 'ended':
      if (input.session === state.session) outputs.push(...end(state, 'ended'))
      break
    case 'clockJump':
      jumped(state, input.deltaMs)
      outputs.push(...expire(state, now))
      break
    case 'tick':
      break
  }
  keep(state, now, outputs)
  wake(state, now, outputs)
  return outputs
}

/**
 * The master opens it when it takes the first keep, or the first request, both of which are sent no
 * sooner than now: the lease may begin before there is an answer.
 */
function open(state: SessionNodeState, now: number): void {
  state.lastSession += 1
  state.session = state.lastSession
  state.leaseEndAt = now + state.times.leaseMs
  state.keepAt = now
}

function granted(
  state: SessionNodeState,
  input: Extract<SessionNodeInput, { type: 'granted' }>,
  outputs: SessionNodeOutput[],
): void {
  const { lock, token, client, owner, session } = input
  const hold: Hold = { lock, token, client, owner }
  if (session === 0 || session !== state.session) outputs.push({ type: 'late', ...hold })
  else state.holds.set(lock, hold)
}

function kept(state: SessionNodeState, nonce: number, now: number): void {
  const sentAt = state.keeps.get(nonce)
  if (sentAt === undefined) return
  for (const earlier of state.keeps.keys()) if (earlier <= nonce) state.keeps.delete(earlier)
  const from = state.mutant === 'lease counted from receipt' ? now : sentAt
  state.leaseEndAt = Math.max(state.leaseEndAt, from + state.times.leaseMs)
}

function expire(state: SessionNodeState, now: number): readonly SessionNodeOutput[] {
  if (state.session === 0 || now < state.leaseEndAt) return nothing
  const { session } = state
  return [...end(state, 'lease'), { type: 'part', session }]
}

function end(state: SessionNodeState, reason: LossReason): readonly SessionNodeOutput[] {
  const lost = [...state.holds.values()]
  state.session = 0
  state.leaseEndAt = -Infinity
  state.keepAt = Infinity
  state.keeps.clear()
  state.holds.clear()
  return lost.map((hold) => ({ type: 'lost', reason, ...hold }))
}

/** The clock of leases stood still meanwhile; one on the wall that is set looks the same. */
function jumped(state: SessionNodeState, deltaMs: number): void {
  if (state.session === 0 || deltaMs <= 0) return
  state.leaseEndAt -= deltaMs
  for (const [nonce, sentAt] of state.keeps) state.keeps.set(nonce, sentAt - deltaMs)
}

function keep(state: SessionNodeState, now: number, outputs: SessionNodeOutput[]): void {
  const { session } = state
  if (session === 0 || now < state.keepAt) return
  state.lastNonce += 1
  state.keepAt = now + state.times.keepEveryMs
  for (const oldest of state.keeps.keys()) {
    if (state.keeps.size < keepsMax) break
    state.keeps.delete(oldest)
  }
  state.keeps.set(state.lastNonce, now)
  outputs.push({ type: 'keep', session, nonce: state.lastNonce })
}

function wake(state: SessionNodeState, now: number, outputs: SessionNodeOutput[]): void {
  if (state.session === 0) return
  const due = Math.min(state.keepAt, state.leaseEndAt)
  // A tick that comes too soon does no harm, and each keep would move it.
  if (due >= state.wakeAt && state.wakeAt > now) return
  state.wakeAt = due
  outputs.push({ type: 'wake', at: due })
}

function forget(state: SessionNodeState, isOver: (hold: Hold) => boolean): void {
  for (const hold of [...state.holds.values()]) if (isOver(hold)) state.holds.delete(hold.lock)
}
