/**
 * Who belongs to the cluster, as its spawner decides it: numbered views, and leases by which a node
 * knows for how long it may believe in them. The rules are in `docs/protocols/membership.md`.
 *
 * Rule 1: a node leaves the view only when every lease that it was granted has surely run out, or
 * its process is surely dead.
 * Rule 2: suspicion is for ever. A suspect is granted nothing, so that its lease does run out.
 * Rule 3: `now` is read after the input came, never before: a lease counts from a moment that the
 * node has behind it.
 */
import { placesMax } from '../limits.ts'
import type { Member } from '../wire/messages.ts'
import type { Machine } from './machine.ts'
import { type Dispute, nextLoser } from './membership-disputes.ts'
import type { MembershipTimes } from './membership-times.ts'

/** Why a node was given up: the first reason counts. */
export type RemovalReason = 'silent' | 'cut off' | 'dead' | 'left'

export type SpawnerInput =
  /** These take part from now on, all in one view. Their places were never given before. */
  | { readonly type: 'joined'; readonly members: readonly Member[]; readonly now: number }
  | {
      readonly type: 'renew'
      readonly place: number
      readonly nonce: number
      readonly now: number
    }
  /** The link to it is over. `dead`: another incarnation answered in its stead. */
  | {
      readonly type: 'linkLost'
      readonly place: number
      readonly dead: boolean
      readonly now: number
    }
  | {
      readonly type: 'unreachable'
      readonly from: number
      readonly place: number
      readonly now: number
    }
  /** It said bye, or its process was seen to end: it serves no more. */
  | { readonly type: 'left'; readonly place: number; readonly now: number }
  | { readonly type: 'tick'; readonly now: number }

export type SpawnerOutput =
  | {
      readonly type: 'grant'
      readonly place: number
      readonly nonce: number
      readonly epoch: number
    }
  /** To all of `members`, which are in the order of their places. */
  | { readonly type: 'view'; readonly epoch: number; readonly members: readonly Member[] }
  /** It is gone for all who have this view: what it held passes on. Its link may be closed. */
  | {
      readonly type: 'removed'
      readonly place: number
      readonly reason: RemovalReason
      readonly epoch: number
    }
  /** It was chosen to go while it is well: tell it, so that it ends sooner than its lease. */
  | { readonly type: 'dismiss'; readonly place: number }
  /** Tick at this time; a later `wake` takes its place. */
  | { readonly type: 'wake'; readonly at: number }

export interface SpawnerMember {
  readonly member: Member
  lastHeardAt: number
  /** -Infinity: never. */
  lastGrantAt: number
  suspicion: RemovalReason | null
  /** Its process is gone, and with it any belief in a lease. */
  dead: boolean
}

export interface SpawnerState {
  readonly times: MembershipTimes
  epoch: number
  /** By place. */
  readonly members: Map<number, SpawnerMember>
  /** All places that were ever given. */
  readonly places: Set<number>
  /** The last renewal of nodes that have not joined yet: granted when they do. */
  readonly early: Map<number, number>
  disputes: Dispute[]
  /** When a tick was asked for; Infinity: not at all. */
  wakeAt: number
  /** The spawner was stopped, and until then has not listened long enough: silence is no sign. */
  listenUntil: number
}

export const membershipSpawner: Machine<
  SpawnerState,
  SpawnerInput,
  SpawnerOutput,
  MembershipTimes
> = { initial, step }

function initial(times: MembershipTimes): SpawnerState {
  return {
    times,
    epoch: 0,
    members: new Map(),
    places: new Set(),
    early: new Map(),
    disputes: [],
    wakeAt: Infinity,
    listenUntil: -Infinity,
  }
}

function step(state: SpawnerState, input: SpawnerInput): readonly SpawnerOutput[] {
  const { now } = input
  const outputs: SpawnerOutput[] = []
  if (now - state.wakeAt > state.times.lateMs) state.listenUntil = now + state.times.renewEveryMs
  switch (input.type) {
    case 'joined':
      joined(state, input.members, now, outputs)
      break
    case 'renew':
      renew(state, input.place, input.nonce, now, outputs)
      break
    case 'linkLost':
      lost(state, input.place, input.dead ? 'dead' : 'cut off', input.dead)
      break
    case 'left':
      lost(state, input.place, 'left', true)
      break
    case 'unreachable':
      unreachable(state, input.from, input.place, now)
      break
    case 'tick':
      break
  }
  suspectSilent(state, now)
  settle(state, now, outputs)
  remove(state, now, outputs)
  wake(state, now, outputs)
  return outputs
}

function joined(
  state: SpawnerState,
  members: readonly Member[],
  now: number,
  outputs: SpawnerOutput[],
): void {
  for (const member of members) {
    const { place } = member
    // The driver gives places; two nodes of one place would both be taken for the same.
    if (place <= 0 || place >= placesMax || state.places.has(place)) {
      throw new TypeError(`join the cluster: place ${place} is not free, take one never given`)
    }
    state.places.add(place)
    const standing = { lastHeardAt: now, lastGrantAt: -Infinity, suspicion: null, dead: false }
    state.members.set(place, { member, ...standing })
  }
  publish(state, outputs)
  for (const { place } of members) {
    const nonce = state.early.get(place)
    state.early.delete(place)
    if (nonce !== undefined) renew(state, place, nonce, now, outputs)
  }
}

function publish(state: SpawnerState, outputs: SpawnerOutput[]): void {
  state.epoch += 1
  const members = [...state.members.values()].map(({ member }) => member)
  members.sort((one, other) => one.place - other.place)
  outputs.push({ type: 'view', epoch: state.epoch, members })
}

function renew(
  state: SpawnerState,
  place: number,
  nonce: number,
  now: number,
  outputs: SpawnerOutput[],
): void {
  const known = state.members.get(place)
  if (known === undefined) {
    const mayJoin = place > 0 && place < placesMax && !state.places.has(place)
    if (mayJoin) state.early.set(place, nonce)
    return
  }
  known.lastHeardAt = now
  if (known.suspicion !== null) return
  known.lastGrantAt = now
  outputs.push({ type: 'grant', place, nonce, epoch: state.epoch })
}

function lost(state: SpawnerState, place: number, reason: RemovalReason, dead: boolean): void {
  state.early.delete(place)
  const known = state.members.get(place)
  if (known === undefined) return
  suspect(state, known, reason)
  if (dead) known.dead = true
}

function suspect(state: SpawnerState, known: SpawnerMember, reason: RemovalReason): void {
  known.suspicion ??= reason
  const { place } = known.member
  // Whoever was in dispute with it is right.
  state.disputes = state.disputes.filter(({ lower, higher }) => lower !== place && higher !== place)
}

function unreachable(state: SpawnerState, from: number, place: number, now: number): void {
  const reporter = state.members.get(from)
  if (reporter === undefined) return
  reporter.lastHeardAt = now
  const other = state.members.get(place)
  if (other === undefined || from === place) return
  // One of the two goes already.
  if (reporter.suspicion !== null || other.suspicion !== null) return
  const [lower, higher] = from < place ? [from, place] : [place, from]
  const known = state.disputes.some((each) => each.lower === lower && each.higher === higher)
  if (!known) state.disputes.push({ lower, higher, reportedAt: now })
}

function suspectSilent(state: SpawnerState, now: number): void {
  if (now < state.listenUntil) return
  for (const known of state.members.values()) {
    if (known.suspicion !== null) continue
    if (now >= known.lastHeardAt + state.times.patienceMs) suspect(state, known, 'silent')
  }
}

/** Of two that cannot reach each other one goes: see `nextLoser`. */
function settle(state: SpawnerState, now: number, outputs: SpawnerOutput[]): void {
  if (state.disputes.length === 0 || now < state.listenUntil) return
  const heardAt = (place: number): number => state.members.get(place)?.lastHeardAt ?? -Infinity
  const isDue = (dispute: Dispute): boolean => now >= settledAt(state, dispute)
  for (;;) {
    const loser = nextLoser(state.disputes, isDue, heardAt)
    const known = loser === null ? undefined : state.members.get(loser)
    if (known === undefined) return
    suspect(state, known, 'cut off')
    outputs.push({ type: 'dismiss', place: known.member.place })
  }
}

/** The tick is asked for, and finds it due, by the same sum: by two that are rounded apart it would
 * come again at once, for ever. */
function settledAt(state: SpawnerState, { reportedAt }: Dispute): number {
  return reportedAt + state.times.settleMs
}

function remove(state: SpawnerState, now: number, outputs: SpawnerOutput[]): void {
  const gone: SpawnerMember[] = []
  for (const known of state.members.values()) {
    if (known.suspicion === null) continue
    if (known.dead || now >= leaseOverAt(state, known)) gone.push(known)
  }
  if (gone.length === 0) return
  for (const { member } of gone) state.members.delete(member.place)
  publish(state, outputs)
  const { epoch } = state
  for (const { member, suspicion } of gone) {
    outputs.push({ type: 'removed', place: member.place, reason: suspicion ?? 'silent', epoch })
  }
}

function leaseOverAt(state: SpawnerState, known: SpawnerMember): number {
  return known.lastGrantAt + state.times.waitMs
}

function wake(state: SpawnerState, now: number, outputs: SpawnerOutput[]): void {
  let due = Infinity
  for (const known of state.members.values()) {
    const silentAt = Math.max(known.lastHeardAt + state.times.patienceMs, state.listenUntil)
    due = Math.min(due, known.suspicion === null ? silentAt : leaseOverAt(state, known))
  }
  for (const dispute of state.disputes) {
    due = Math.min(due, Math.max(settledAt(state, dispute), state.listenUntil))
  }
  // A tick that comes too soon does no harm, and each renewal would move it.
  if (due >= state.wakeAt && state.wakeAt > now) return
  state.wakeAt = due
  if (due !== Infinity) outputs.push({ type: 'wake', at: due })
}
