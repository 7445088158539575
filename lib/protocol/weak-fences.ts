/**
 * `sync` and `fence` (docs/protocols/weak.md, steps 10 and 11): when the earlier writes of this
 * node are applied at all members of the view, and when this node has applied theirs.
 */
import { appliedOf, moveWindow, sendTo } from './weak-delivery.ts'
import type { WeakOutput, WeakPeer, WeakRequest, WeakState, WeakSync } from './weak-state.ts'
import { isSettled } from './weak-state.ts'

/** Whether it is done already; otherwise its answer comes from a later step. */
export function startSync(state: WeakState, request: WeakRequest, outputs: WeakOutput[]): boolean {
  const pulls = request.operation[0] === 'fence' && state.mutant !== 'no pull in a fence'
  const sync: WeakSync = {
    client: request.client,
    call: request.call,
    count: state.made,
    pull: pulls ? state.pulls + 1 : 0,
    awaits: new Map(),
  }
  if (pulls) state.pulls += 1
  for (const place of state.others) {
    const peer = state.peers.get(place)
    if (peer === undefined) continue
    if (pulls) sync.awaits.set(place, -1)
    if (!pulls && peer.asked >= sync.count) continue
    peer.asked = sync.count
    sendTo(outputs, place, ['probe', sync.count, sync.pull])
  }
  if (isDone(state, sync)) return true
  state.syncs.push(sync)
  return false
}

function isDone(state: WeakState, sync: WeakSync): boolean {
  if (state.mutant === 'sync counts nothing') return true
  for (const place of state.others) {
    if ((state.peers.get(place)?.acked ?? 0) < sync.count) return false
  }
  if (sync.pull === 0) return true
  for (const [place, made] of sync.awaits) {
    if (made < 0 || appliedOf(state, place) < made) return false
  }
  // What a node that left had told to some comes with the others' flushes.
  return isSettled(state)
}

/** After anything that a `sync` or a `fence` may have waited for. */
export function answerSyncs(state: WeakState, outputs: WeakOutput[]): void {
  if (state.syncs.length === 0) return
  const open: WeakSync[] = []
  for (const sync of state.syncs.splice(0)) {
    if (!isDone(state, sync)) {
      open.push(sync)
      continue
    }
    const { client, call } = sync
    outputs.push({ type: 'answer', client, call, answer: null })
  }
  state.syncs.push(...open)
}

export function receiveAck(state: WeakState, peer: WeakPeer, upTo: number): void {
  if (upTo <= peer.acked) return
  const wasLeast = peer.acked === state.stable
  peer.acked = upTo
  peer.asked = Math.max(peer.asked, upTo)
  if (wasLeast) moveWindow(state)
}

export function receivePulled(state: WeakState, from: number, pull: number, made: number): void {
  const sync = state.syncs.find((each) => each.pull === pull)
  if (sync?.awaits.has(from)) sync.awaits.set(from, made)
}

/** Nobody waits for those who left. */
export function dropAwaits(state: WeakState): void {
  for (const { awaits } of state.syncs) {
    for (const place of awaits.keys()) if (!state.others.includes(place)) awaits.delete(place)
  }
}
