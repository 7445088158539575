/**
 * The session under which one node's clients hold locks at this master. It lasts for as long as the
 * node keeps it. The rules are in `docs/protocols/lock.md`.
 *
 * Rule 1: a session that is over is refused for ever. Numbers of sessions only grow.
 * Rule 2: `now` is read after the input came, never before: the time counts from a moment that the
 * node has behind it.
 */
import type { Machine } from './machine.ts'
import type { SessionTimes } from './session-times.ts'

export type SessionMasterInput =
  | {
      readonly type: 'keep'
      readonly session: number
      readonly nonce: number
      readonly now: number
    }
  /** A lock is asked for under this session. */
  | { readonly type: 'asked'; readonly session: number; readonly now: number }
  /** The node needs it no more. */
  | { readonly type: 'part'; readonly session: number; readonly now: number }
  | { readonly type: 'tick'; readonly now: number }

export type SessionMasterOutput =
  /** Free what is held under it, and refuse whoever waits: before all that is put out after it. */
  | { readonly type: 'ended'; readonly session: number }
  | { readonly type: 'kept'; readonly session: number; readonly nonce: number }
  /** Tell the node that there is no such session any more. */
  | { readonly type: 'unknown'; readonly session: number }
  /** What to do with the request. */
  | { readonly type: 'admitted' }
  | { readonly type: 'refused' }
  /** Tick at this time; a later `wake` takes its place. */
  | { readonly type: 'wake'; readonly at: number }

export type SessionMasterMutant = 'no wait for expiry'

export interface SessionMasterParameters {
  readonly times: SessionTimes
  readonly mutant?: SessionMasterMutant
}

export interface SessionMasterState {
  readonly times: SessionTimes
  readonly mutant: SessionMasterMutant | null
  /** The session that is open; 0: none. */
  session: number
  /** The highest that ever was. */
  lastSession: number
  endAt: number
  /** When a tick was asked for; Infinity: not at all. */
  wakeAt: number
}

export const sessionMaster: Machine<
  SessionMasterState,
  SessionMasterInput,
  SessionMasterOutput,
  SessionMasterParameters
> = { initial, step }

const nothing: readonly SessionMasterOutput[] = []

function initial({ times, mutant }: SessionMasterParameters): SessionMasterState {
  return {
    times,
    mutant: mutant ?? null,
    session: 0,
    lastSession: 0,
    endAt: Infinity,
    wakeAt: Infinity,
  }
}

function step(
  state: SessionMasterState,
  input: SessionMasterInput,
): readonly SessionMasterOutput[] {
  const { now } = input
  // It was stopped, and what came meanwhile has not been taken yet: silence is no sign.
  if (state.session !== 0 && now - state.wakeAt > state.times.lateMs) {
    state.endAt = Math.max(state.endAt, now + state.times.lateMs)
  }
  const outputs: SessionMasterOutput[] = []
  if (now >= state.endAt) outputs.push(...end(state))
  switch (input.type) {
    case 'keep':
      outputs.push(...keep(state, input.session, input.nonce, now))
      break
    case 'asked':
      outputs.push(...open(state, input.session, now))
      outputs.push({ type: isOpen(state, input.session) ? 'admitted' : 'refused' })
      break
    case 'part':
      if (isOpen(state, input.session)) outputs.push(...end(state))
      // It may overtake the request that would have opened it.
      state.lastSession = Math.max(state.lastSession, input.session)
      break
    case 'tick':
      break
  }
  wake(state, now, outputs)
  return outputs
}

function isOpen(state: SessionMasterState, session: number): boolean {
  return session !== 0 && session === state.session
}

function open(
  state: SessionMasterState,
  session: number,
  now: number,
): readonly SessionMasterOutput[] {
  if (session <= state.lastSession) return nothing
  // The node has given up the one before: it has one at a time.
  const outputs = end(state)
  state.session = session
  state.lastSession = session
  state.endAt = now + wait(state)
  return outputs
}

function keep(
  state: SessionMasterState,
  session: number,
  nonce: number,
  now: number,
): readonly SessionMasterOutput[] {
  const outputs = open(state, session, now)
  if (!isOpen(state, session)) return [...outputs, { type: 'unknown', session }]
  state.endAt = Math.max(state.endAt, now + wait(state))
  return [...outputs, { type: 'kept', session, nonce }]
}

function wait(state: SessionMasterState): number {
  return state.mutant === 'no wait for expiry' ? state.times.keepEveryMs : state.times.waitMs
}

function end(state: SessionMasterState): readonly SessionMasterOutput[] {
  const { session } = state
  if (session === 0) return nothing
  state.session = 0
  state.endAt = Infinity
  return [{ type: 'ended', session }]
}

function wake(state: SessionMasterState, now: number, outputs: SessionMasterOutput[]): void {
  if (state.endAt >= state.wakeAt && state.wakeAt > now) return
  state.wakeAt = state.endAt
  if (state.wakeAt !== Infinity) outputs.push({ type: 'wake', at: state.wakeAt })
}
