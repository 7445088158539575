/**
 * The master of all `UpdateOnRelease` objects: the log of releases, and the locks by which it is
 * written. The rules are in `docs/protocols/update-on-release.md`.
 *
 * Rule 1: an entry is in the log and in the master's own replica in the step that takes it, and on
 * its way to every member before anything that the same step says of it.
 * Rule 2: whoever holds a lock is what the lock machine of this node has told.
 */
import type { GoawayErrorCode } from '../errors.ts'
import { strictFieldsMax, strictObjectsMax } from '../limits.ts'
import type { Fences, LockOperation } from '../wire/messages.ts'
import type {
  FromMasterMessage,
  ReleaseWrite,
  ToMasterMessage,
} from '../wire/update-on-release-messages.ts'
import { rendezvous } from './rendezvous.ts'
import type { LockNews } from './replica.ts'
import { updateOnReleaseLock } from './replica.ts'
import type { Refusal } from './strict-refusal.ts'
import { staleFence } from './strict-refusal.ts'
import { applyEntry, receiveFromMaster } from './update-on-release-replica.ts'
import type {
  LockHolder,
  LogEntry,
  MasterState,
  UpdateOnReleaseOutput,
  UpdateOnReleaseState,
} from './update-on-release-state.ts'
import { lastWrites, putInner, takeInner } from './update-on-release-state.ts'

/** The state of the node that is master. */
export interface MasterNode extends UpdateOnReleaseState {
  readonly master: MasterState
}

type Outputs = UpdateOnReleaseOutput[]
type MessageOf<Name extends ToMasterMessage[0]> = Extract<
  ToMasterMessage,
  readonly [Name, ...unknown[]]
>

/** What the node at this place, this one or another, says to the master. */
export function receiveAtMaster(
  state: MasterNode,
  from: number,
  message: ToMasterMessage,
  outputs: Outputs,
): void {
  if (from !== state.place && !state.members.includes(from)) {
    keepEarly(state, from, message)
    if (state.mutant !== 'removed are heard') return
  }
  switch (message[0]) {
    case 'join':
      return join(state, from, outputs)
    case 'acquire':
      return acquire(state, from, message, outputs)
    case 'forget':
      return forget(state, message, outputs)
    case 'release':
      return release(state, from, message, outputs)
    case 'abandon':
      return abandon(state, message, outputs)
    case 'init':
      return init(state, from, message, outputs)
    case 'applied':
      state.master.applied.set(from, message[1])
      return answerAwaited(state, outputs)
  }
}

/** A node may know that it is in before the master does, but not that it is out. */
function keepEarly({ epoch, master }: MasterNode, from: number, message: ToMasterMessage): void {
  const kept = master.early.get(from)
  if (kept !== undefined) kept.push(message)
  else if (message[0] === 'join' && message[1] > epoch) master.early.set(from, [message])
}

/** Members have come or gone, as the view says that the state has by now. */
export function viewAtMaster(state: MasterNode, outputs: Outputs): void {
  const { members, epoch, master } = state
  const removed = (place: number): boolean => !members.includes(place)
  for (const place of [...master.joined]) if (removed(place)) master.joined.delete(place)
  for (const place of [...master.applied.keys()]) {
    if (removed(place)) master.applied.delete(place)
  }
  for (const [client, calls] of [...master.asked]) {
    for (const [call, { place }] of [...calls]) {
      if (removed(place)) forgetAsked(state, client, call, outputs)
    }
  }
  for (const holder of [...master.holders.values()]) {
    if (removed(holder.place)) passOn(state, holder, outputs)
  }
  master.awaited = master.awaited.filter(({ place }) => !removed(place))
  for (const [place, messages] of [...master.early]) {
    const [, joinEpoch] = messages[0] as MessageOf<'join'>
    if (removed(place) && epoch < joinEpoch) continue
    master.early.delete(place)
    if (removed(place)) continue
    for (const message of messages) receiveAtMaster(state, place, message, outputs)
  }
  answerAwaited(state, outputs)
}

function join(state: MasterNode, from: number, outputs: Outputs): void {
  const { master, objects } = state
  master.joined.add(from)
  tell(state, from, ['snapshot', master.gseq, objects.size], outputs)
  for (const [name, fields] of objects) {
    const rows = [...fields].map(([field, { version, value }]) => [field, version, value] as const)
    tell(state, from, ['object', master.gseq, name, rows], outputs)
  }
}

function acquire(
  state: MasterNode,
  place: number,
  [, client, call, owner, thread, blocking, object, mayWait]: MessageOf<'acquire'>,
  outputs: Outputs,
): void {
  putInner(state.master.asked, client, call, { place, object, owner, thread })
  const name = updateOnReleaseLock(object)
  const operation: LockOperation = mayWait ? ['acquire', name] : ['tryAcquire', name]
  outputs.push({ type: 'lock', client, call, owner, thread, blocking, operation })
}

/** What the lock machine of this node answered. */
export function newsAtMaster(state: MasterNode, news: LockNews, outputs: Outputs): void {
  const { client, call } = news
  const asker = takeInner(state.master.asked, client, call)
  if (asker === undefined) return
  if (news.type === 'lockRefused') {
    const { code, message } = news
    return tell(state, asker.place, ['refusal', client, call, code, message], outputs)
  }
  const { token } = news
  if (token !== 0) state.master.holders.set(asker.object, { ...asker, client, call, token })
  tell(state, asker.place, ['grant', client, call, token, state.master.gseq], outputs)
}

function forget(
  state: MasterNode,
  [, client, call, object]: MessageOf<'forget'>,
  outputs: Outputs,
): void {
  if (forgetAsked(state, client, call, outputs)) return
  const holder = state.master.holders.get(object)
  // It was granted, and nobody has been told: the answer finds no call.
  if (holder?.client === client && holder.call === call) passOn(state, holder, outputs)
}

function forgetAsked(state: MasterNode, client: number, call: number, outputs: Outputs): boolean {
  if (takeInner(state.master.asked, client, call) === undefined) return false
  outputs.push({ type: 'lockForget', client, call })
  return true
}

function abandon(
  state: MasterNode,
  [, client, object, token]: MessageOf<'abandon'>,
  outputs: Outputs,
): void {
  const holder = state.master.holders.get(object)
  if (holder?.client === client && holder.token === token) passOn(state, holder, outputs)
}

/** Frees the lock: the lock machine grants it to whoever is next. */
function passOn(state: MasterNode, holder: LockHolder, outputs: Outputs): void {
  const { client, owner, thread, token, object } = holder
  state.master.holders.delete(object)
  const operation: LockOperation = ['release', updateOnReleaseLock(object), token]
  outputs.push({ type: 'lock', client, call: 0, owner, thread, blocking: false, operation })
}

function release(
  state: MasterNode,
  from: number,
  message: MessageOf<'release'>,
  outputs: Outputs,
): void {
  const [, client, call, object, token, given, ackAll, fences] = message
  const { master } = state
  const writes = lastWrites(given)
  const holder = master.holders.get(object)
  const isHeld = holder?.client === client && holder.token === token
  if (!isHeld && state.mutant !== 'no token check') {
    const now = holder === undefined ? 'nobody holds it' : `its holder has token ${holder.token}`
    const text = `release object ${JSON.stringify(object)} with token ${token}: ${now}`
    return refuse(state, from, client, call, ['ERR_GOAWAY_STALE_TOKEN', text], outputs)
  }
  const refusal = staleFences(master, fences) ?? noRoom(state, object, writes)
  if (refusal === null && (writes.length > 0 || ackAll)) {
    publish(state, object, writes, ackAll, outputs)
  }
  // Refused or not, the critical section is over: else the lock of a failed release stays.
  if (isHeld) passOn(state, holder, outputs)
  if (refusal !== null) return refuse(state, from, client, call, refusal, outputs)
  if (call === 0) return
  if (ackAll && state.mutant !== 'ack all at once') {
    master.awaited.push({ gseq: master.gseq, place: from, client, call, answer: master.gseq })
    return answerAwaited(state, outputs)
  }
  tell(state, from, ['reply', client, call, master.gseq, master.gseq], outputs)
}

/** The next entry of the log. */
function publish(
  state: MasterNode,
  object: string,
  writes: readonly ReleaseWrite[],
  ackWanted: boolean,
  outputs: Outputs,
): void {
  if (state.mutant === 'release not atomic' && writes.length > 1) {
    for (const write of writes) publish(state, object, [write], ackWanted, outputs)
    return
  }
  const { master, place } = state
  master.gseq += 1
  const entry: LogEntry = ['push', master.gseq, object, writes, ackWanted]
  applyEntry(state, entry, outputs)
  for (const to of master.joined) {
    if (to !== place) outputs.push({ type: 'send', to, message: entry })
  }
}

/** Answers the releases that every member has applied. */
function answerAwaited(state: MasterNode, outputs: Outputs): void {
  const { master, members, place } = state
  if (master.awaited.length === 0) return
  let everywhere = master.gseq
  for (const member of members) {
    if (member !== place) everywhere = Math.min(everywhere, master.applied.get(member) ?? -1)
  }
  const ready = master.awaited.filter(({ gseq }) => gseq <= everywhere)
  if (ready.length === 0) return
  master.awaited = master.awaited.filter(({ gseq }) => gseq > everywhere)
  for (const { place: to, client, call, answer, gseq } of ready) {
    tell(state, to, ['reply', client, call, answer, gseq], outputs)
  }
}

/** As of strict objects: a name counts once, whatever became of its field. */
function init(
  state: MasterNode,
  from: number,
  [, client, call, object, fields]: MessageOf<'init'>,
  outputs: Outputs,
): void {
  const { master, objects } = state
  const named = master.initialised.get(object)
  const fresh = fields.filter(([field]) => named?.has(field) !== true)
  if (fresh.length > 0) {
    const count = (named?.size ?? 0) + fresh.length
    const refusal = noRoom(state, object, fresh) ?? noRoomForNames(object, count)
    if (refusal !== null) return refuse(state, from, client, call, refusal, outputs)
    const names = named ?? new Set()
    master.initialised.set(object, names)
    // The list may name a field twice; the first one counts, as it does between two calls.
    const writes: ReleaseWrite[] = []
    for (const [field, value] of fresh) {
      if (names.has(field)) continue
      names.add(field)
      if (objects.get(object)?.has(field) !== true) writes.push([field, value])
    }
    if (writes.length > 0) publish(state, object, writes, false, outputs)
  }
  if (call !== 0) tell(state, from, ['reply', client, call, null, master.gseq], outputs)
}

/** As of strict objects: of a lock that another node serves, the holder is not known here. */
function staleFences(master: MasterState, fences: Fences): Refusal | null {
  const { tokens, foreignTokens, lockPlaces } = master
  const marked = fences?.map(([lock, token]) => {
    const isForeign = lockPlaces.length > 1 && rendezvous(lock, lockPlaces) !== lockPlaces[0]
    return isForeign ? ([lock, token, 1] as const) : ([lock, token] as const)
  })
  return staleFence({ holders: tokens, foreignTokens }, marked ?? null)
}

function noRoom(
  { objects, master }: MasterNode,
  object: string,
  writes: readonly ReleaseWrite[],
): Refusal | null {
  if (writes.length === 0) return null
  const fields = objects.get(object)
  const isKnown = fields !== undefined || master.initialised.has(object)
  if (!isKnown && Math.max(objects.size, master.initialised.size) >= strictObjectsMax) {
    const message = `open object ${JSON.stringify(object)}: ${strictObjectsMax} exist already`
    return ['ERR_GOAWAY_LIMIT', message]
  }
  let count = fields?.size ?? 0
  for (const write of writes) if (write.length === 2 && fields?.has(write[0]) !== true) count += 1
  return noRoomForNames(object, count)
}

function noRoomForNames(object: string, count: number): Refusal | null {
  if (count <= strictFieldsMax) return null
  const where = `object ${JSON.stringify(object)}`
  return ['ERR_GOAWAY_LIMIT', `add a field to ${where}: the most is ${strictFieldsMax}`]
}

function refuse(
  state: MasterNode,
  to: number,
  client: number,
  call: number,
  [code, message]: readonly [GoawayErrorCode, string],
  outputs: Outputs,
): void {
  if (call !== 0) tell(state, to, ['refusal', client, call, code, message], outputs)
}

/** Says something to a node, which may be this one. */
function tell(state: MasterNode, to: number, message: FromMasterMessage, outputs: Outputs): void {
  if (to === state.place) receiveFromMaster(state, message, outputs)
  else outputs.push({ type: 'send', to, message })
}
