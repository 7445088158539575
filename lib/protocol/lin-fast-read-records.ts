/**
 * Which updates of which node took place, and which tokens were seen. Both travel with the data: a
 * node that becomes home knows them.
 *
 * Rule 1: a record stands as long as its update does: it goes when the object is restored without
 * it.
 * Rule 2: a record is dropped when its node has had the answer, or is gone.
 */
import { foreignLocksMax, servedLocksKept } from '../limits.ts'
import type { UpdateAnswer, UpdateRecord } from '../wire/lin-fast-read-messages.ts'
import type { Fences } from '../wire/messages.ts'
import type { LinFastReadState, RecordedClient } from './lin-fast-read-state.ts'
import type { Refusal } from './strict-refusal.ts'

/** All updates of the node before this one have been answered. */
export function forgetAnswered(state: LinFastReadState, place: number, ackUpTo: number): void {
  if (!state.members.includes(place)) return
  const client = openClient(state, place)
  if (ackUpTo <= client.ackUpTo) return
  const { records } = client
  if (ackUpTo - client.ackUpTo < records.size) {
    for (let at = client.ackUpTo; at < ackUpTo; at += 1) records.delete(at)
  } else {
    for (const sequence of records.keys()) if (sequence < ackUpTo) records.delete(sequence)
  }
  client.ackUpTo = ackUpTo
}

export function keepRecord(state: LinFastReadState, object: string, record: UpdateRecord): void {
  const [place, sequence, answer] = record
  if (!state.members.includes(place)) return
  const client = openClient(state, place)
  if (sequence < client.ackUpTo) return
  client.records.set(sequence, { object, epoch: state.epoch, answer })
}

export function isAnswered(state: LinFastReadState, place: number, sequence: number): boolean {
  return sequence < (state.clients.get(place)?.ackUpTo ?? 0)
}

/** What the update was answered, if it took place. */
export function findRecord(
  state: LinFastReadState,
  place: number,
  sequence: number,
  object: string,
): { readonly answer: UpdateAnswer } | null {
  if (state.mutant === 'no recs on retry') return null
  const kept = state.clients.get(place)?.records.get(sequence)
  if (kept === undefined || kept.object !== object) return null
  const since = state.objects.get(object)?.restoredAt ?? Infinity
  return kept.epoch < since ? null : kept
}

/** All records by object. */
export function recordsByObject(state: LinFastReadState): Map<string, UpdateRecord[]> {
  const found = new Map<string, UpdateRecord[]>()
  for (const [place, { records }] of state.clients) {
    for (const [sequence, { object, epoch, answer }] of records) {
      if (epoch < (state.objects.get(object)?.restoredAt ?? Infinity)) continue
      const list = found.get(object)
      const record: UpdateRecord = [place, sequence, answer]
      if (list === undefined) found.set(object, [record])
      else list.push(record)
    }
  }
  return found
}

function openClient(state: LinFastReadState, place: number): RecordedClient {
  let client = state.clients.get(place)
  if (client === undefined) {
    client = { ackUpTo: 0, records: new Map() }
    state.clients.set(place, client)
  }
  return client
}

/** Refuses a write whose lock has had a later holder, or none since; else keeps its tokens. */
export function checkFences(state: LinFastReadState, fences: Fences): Refusal | null {
  for (const [lock, token] of fences ?? []) {
    const least = state.leastTokens.get(lock)
    const what = `write under lock ${JSON.stringify(lock)} with token ${token}`
    if (least === undefined && state.leastTokens.size >= foreignLocksMax) {
      return ['ERR_GOAWAY_LIMIT', `${what}: tokens of ${foreignLocksMax} locks are kept already`]
    }
    const smallest = Math.max(least ?? 0, state.servedTokens.get(lock) ?? 0)
    if (token < smallest) {
      const message = `${what}: it is held no more, and a write needs token ${smallest} or more`
      return ['ERR_GOAWAY_STALE_TOKEN', message]
    }
  }
  keepTokens(state, fences ?? [])
  return null
}

/** Whether or not its write takes place: a token tells that those before it are over. */
export function keepTokens(state: LinFastReadState, tokens: NonNullable<Fences>): void {
  for (const [lock, token] of tokens) {
    const least = state.leastTokens.get(lock)
    if (least === undefined && state.leastTokens.size >= foreignLocksMax) continue
    if (least === undefined || token > least) state.leastTokens.set(lock, token)
  }
}

/** A lock of this node has another holder, or none: this is the smallest token that may come. */
export function keepServed(state: LinFastReadState, lock: string, token: number): void {
  const { servedTokens } = state
  servedTokens.delete(lock)
  servedTokens.set(lock, token)
  if (servedTokens.size <= servedLocksKept) return
  for (const oldest of servedTokens.keys()) {
    servedTokens.delete(oldest)
    return
  }
}
