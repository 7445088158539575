/**
 * What a node knows of its own membership: a lease, which it renews in time and counts from the
 * moment when it asked for it, and the last view. The rules are in `docs/protocols/membership.md`.
 *
 * Rule 1: a lease that has run out does not come back. The node stops serving, once and for ever.
 * Rule 2: whoever acts for others asks {@link mayServe} first, with the time of that moment; an
 * output that says so may come too late.
 * Rule 3: `now` of an input that makes a renewal is read before the renewal is sent.
 */
import { clockJumpMsMax, renewalsMax } from '../limits.ts'
import type { Member } from '../wire/messages.ts'
import type { Machine } from './machine.ts'
import type { MembershipTimes } from './membership-times.ts'

export type NodeInput =
  /** It knows its place, and its link to the spawner is up. */
  | { readonly type: 'started'; readonly now: number }
  | { readonly type: 'tick'; readonly now: number }
  | {
      readonly type: 'granted'
      readonly nonce: number
      readonly epoch: number
      readonly now: number
    }
  | {
      readonly type: 'view'
      readonly epoch: number
      readonly members: readonly Member[]
      readonly now: number
    }
  /** The link to that member is over. */
  | { readonly type: 'peerLost'; readonly place: number; readonly now: number }
  /** The link to the spawner is over, or it said bye. */
  | { readonly type: 'spawnerLost'; readonly now: number }
  /**
   * The clock on the wall has gone so much further than the one of `now` since it was last looked
   * at; less than 0: it has fallen back.
   */
  | { readonly type: 'clockJump'; readonly deltaMs: number; readonly now: number }

/** Why a node serves no more. */
export type ExpiryReason = 'lease' | 'removed' | 'spawner lost' | 'clock'

export type NodeOutput =
  | { readonly type: 'renew'; readonly nonce: number }
  /** Stop serving: the last output of all. */
  | { readonly type: 'expired'; readonly reason: ExpiryReason }
  /** Of the others, in the order of their places. */
  | {
      readonly type: 'membersChanged'
      readonly epoch: number
      readonly joined: readonly Member[]
      readonly left: readonly Member[]
    }
  /** Tell the spawner that this member cannot be reached. */
  | { readonly type: 'unreachable'; readonly place: number }
  /** Tick at this time; a later `wake` takes its place. */
  | { readonly type: 'wake'; readonly at: number }

export interface NodeParameters {
  readonly place: number
  readonly times: MembershipTimes
}

export interface NodeState {
  readonly place: number
  readonly times: MembershipTimes
  /** Of the last view; 0: none yet. */
  epoch: number
  /** The others, by place. */
  readonly members: Map<number, Member>
  /** When each renewal that has no grant was sent, by its nonce. */
  readonly renewals: Map<number, number>
  lastNonce: number
  renewAt: number
  /** -Infinity: there was none yet. */
  leaseEndAt: number
  expired: boolean
  /** Members whose link is over; those of them that a view named have been reported. */
  readonly lost: Set<number>
  wakeAt: number
}

/** `waiting`: no lease was granted yet; what comes for it may be kept until then. */
export type Standing = 'waiting' | 'serving' | 'expired'

export const membershipNode: Machine<NodeState, NodeInput, NodeOutput, NodeParameters> = {
  initial,
  step,
}

const nothing: readonly NodeOutput[] = []

function initial({ place, times }: NodeParameters): NodeState {
  return {
    place,
    times,
    epoch: 0,
    members: new Map(),
    renewals: new Map(),
    lastNonce: 0,
    renewAt: Infinity,
    leaseEndAt: -Infinity,
    expired: false,
    lost: new Set(),
    wakeAt: Infinity,
  }
}

/** How the node stands at this moment, whether or not it was told. */
export function standingOf(state: NodeState, now: number): Standing {
  if (state.expired) return 'expired'
  if (state.leaseEndAt === -Infinity) return 'waiting'
  return now < state.leaseEndAt ? 'serving' : 'expired'
}

/** Whether nobody can have taken its place yet. */
export function mayServe(state: NodeState, now: number): boolean {
  return !state.expired && now < state.leaseEndAt
}

function step(state: NodeState, input: NodeInput): readonly NodeOutput[] {
  if (state.expired) return nothing
  const { now } = input
  if (standingOf(state, now) === 'expired') return expire(state, 'lease')
  const outputs: NodeOutput[] = []
  switch (input.type) {
    case 'started':
      state.renewAt = now
      break
    case 'tick':
      break
    case 'granted':
      granted(state, input.nonce, input.epoch)
      break
    case 'view':
      if (input.epoch <= state.epoch) break
      if (!input.members.some(({ place }) => place === state.place)) {
        return expire(state, 'removed')
      }
      view(state, input.epoch, input.members, outputs)
      break
    case 'peerLost':
      peerLost(state, input.place, outputs)
      break
    case 'spawnerLost':
      return expire(state, 'spawner lost')
    case 'clockJump':
      if (jumped(state, input.deltaMs)) return expire(state, 'clock')
      break
  }
  renew(state, now, outputs)
  if (standingOf(state, now) === 'expired') return [...outputs, ...expire(state, 'lease')]
  wake(state, now, outputs)
  return outputs
}

function expire(state: NodeState, reason: ExpiryReason): readonly NodeOutput[] {
  state.expired = true
  state.renewals.clear()
  return [{ type: 'expired', reason }]
}

function granted(state: NodeState, nonce: number, epoch: number): void {
  const sentAt = state.renewals.get(nonce)
  // It may not serve under a view that it does not have.
  if (sentAt === undefined || epoch > state.epoch) return
  for (const earlier of state.renewals.keys()) if (earlier <= nonce) state.renewals.delete(earlier)
  state.leaseEndAt = Math.max(state.leaseEndAt, sentAt + state.times.leaseMs)
}

function renew(state: NodeState, now: number, outputs: NodeOutput[]): void {
  if (now < state.renewAt) return
  state.lastNonce += 1
  state.renewAt = now + state.times.renewEveryMs
  for (const oldest of state.renewals.keys()) {
    if (state.renewals.size < renewalsMax) break
    state.renewals.delete(oldest)
  }
  state.renewals.set(state.lastNonce, now)
  outputs.push({ type: 'renew', nonce: state.lastNonce })
}

function view(
  state: NodeState,
  epoch: number,
  members: readonly Member[],
  outputs: NodeOutput[],
): void {
  state.epoch = epoch
  const others = members.filter(({ place }) => place !== state.place)
  const stay = new Set(others.map(({ place }) => place))
  const left = [...state.members.values()].filter(({ place }) => !stay.has(place))
  const joined = others.filter(({ place }) => !state.members.has(place))
  for (const { place } of left) {
    state.members.delete(place)
    state.lost.delete(place)
  }
  for (const member of joined) state.members.set(member.place, member)
  if (joined.length > 0 || left.length > 0) {
    outputs.push({ type: 'membersChanged', epoch, joined, left })
  }
  // Lost before the view that named it.
  for (const { place } of joined) {
    if (state.lost.has(place)) outputs.push({ type: 'unreachable', place })
  }
}

function peerLost(state: NodeState, place: number, outputs: NodeOutput[]): void {
  if (place === 0 || state.lost.has(place)) return
  state.lost.add(place)
  if (state.members.has(place)) outputs.push({ type: 'unreachable', place })
}

/** Whether the clock can no longer be trusted; a little suspended time shortens the lease. */
function jumped(state: NodeState, deltaMs: number): boolean {
  if (Math.abs(deltaMs) > clockJumpMsMax) {
    state.renewals.clear()
    return state.leaseEndAt !== -Infinity
  }
  if (deltaMs > 0) {
    state.leaseEndAt -= deltaMs
    for (const [nonce, sentAt] of state.renewals) state.renewals.set(nonce, sentAt - deltaMs)
  }
  return false
}

function wake(state: NodeState, now: number, outputs: NodeOutput[]): void {
  const leaseEndAt = state.leaseEndAt === -Infinity ? Infinity : state.leaseEndAt
  const due = Math.min(state.renewAt, leaseEndAt)
  if (due >= state.wakeAt && state.wakeAt > now) return
  state.wakeAt = due
  if (due !== Infinity) outputs.push({ type: 'wake', at: due })
}
