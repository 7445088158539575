/**
 * How updates come from node to node (docs/protocols/weak.md, steps 1 to 5): each sender's in their
 * order, each once; in causal order, none before what its sender had applied. Acknowledgements are
 * cumulative, and given after an update is applied.
 */
import type { EncodedValue } from '../wire/messages.ts'
import type { Needs, WeakMessage, WeakUpdate, WeakWrite } from '../wire/weak-messages.ts'
import { applyWrite } from './weak-cells.ts'
import type { WeakOutput, WeakPeer, WeakState } from './weak-state.ts'

export function sendTo(outputs: WeakOutput[], to: number, message: WeakMessage): void {
  outputs.push({ type: 'send', to, message })
}

export function sendToOthers(state: WeakState, outputs: WeakOutput[], message: WeakMessage): void {
  for (const to of state.others) sendTo(outputs, to, message)
}

/** Makes an update of this write: here at once, at the others when it comes there. */
export function publish(state: WeakState, write: WeakWrite, outputs: WeakOutput[]): void {
  state.lamport += 1
  state.made += 1
  const needs = state.order === 'causal' ? newNeeds(state) : null
  const update: WeakUpdate = [state.made, state.lamport, needs, write]
  applyWrite(state, state.place, state.lamport, write, outputs)
  if (state.others.length === 0) {
    state.stable = state.made
    return
  }
  const bytes = sizeOf(write)
  state.underWay.push(bytes)
  state.underWayBytes += bytes
  sendToOthers(state, outputs, ['update', state.stable, update])
}

/** What was applied since this node's last update: an earlier one has told the rest. */
function newNeeds(state: WeakState): Needs {
  const needs: (readonly [number, number])[] = []
  for (const [place, count] of state.applied) {
    if (count <= (state.told.get(place) ?? 0)) continue
    state.told.set(place, count)
    needs.push([place, count])
  }
  return needs.sort(([one], [other]) => one - other)
}

function sizeOf(write: WeakWrite): number {
  if (write[0] === 'set') return bytesOf(write[3])
  if (write[0] !== 'init') return 0
  return write[2].reduce((sum, [, value]) => sum + bytesOf(value), 0)
}

function bytesOf(value: EncodedValue | undefined): number {
  return typeof value === 'string' || value instanceof Uint8Array ? value.length : 0
}

/** Whether there is no room for another update until members acknowledge some. */
export function isWindowFull(state: WeakState): boolean {
  const { windowUpdates, windowBytes } = state.bounds
  return state.underWay.length >= windowUpdates || state.underWayBytes >= windowBytes
}

/** After an acknowledgement, or when who did not acknowledge has left. */
export function moveWindow(state: WeakState): void {
  let stable = state.made
  for (const place of state.others) stable = Math.min(stable, state.peers.get(place)?.acked ?? 0)
  if (stable <= state.stable) return
  for (const bytes of state.underWay.splice(0, stable - state.stable)) state.underWayBytes -= bytes
  state.stable = stable
}

/** An update of `from`, by itself or by somebody who forwards it. */
export function receiveUpdate(
  state: WeakState,
  from: number,
  update: WeakUpdate,
  outputs: WeakOutput[],
): void {
  if (update[0] <= appliedOf(state, from)) return
  if (isDue(state, from, update)) {
    apply(state, from, update, outputs)
    if (state.early.size > 0) applyEarly(state, outputs)
    return
  }
  const early = state.early.get(from)
  if (early === undefined) state.early.set(from, [update])
  else if (!early.some(([count]) => count === update[0])) early.push(update)
}

export function appliedOf(state: WeakState, place: number): number {
  return place === state.place ? state.made : (state.applied.get(place) ?? 0)
}

function isDue(state: WeakState, from: number, [count, , needs]: WeakUpdate): boolean {
  if (count !== appliedOf(state, from) + 1 && state.mutant !== 'no FIFO check') return false
  if (needs === null || state.mutant === 'no causal wait') return true
  return needs.every(([place, least]) => appliedOf(state, place) >= least)
}

function apply(state: WeakState, from: number, update: WeakUpdate, outputs: WeakOutput[]): void {
  const [count, lamport, , write] = update
  state.applied.set(from, count)
  state.lamport = Math.max(state.lamport, lamport)
  applyWrite(state, from, lamport, write, outputs)
  const log = state.logs.get(from)
  if (log === undefined) state.logs.set(from, [update])
  else log.push(update)
  const peer = state.peers.get(from)
  if (peer === undefined) return
  peer.owedUpdates += 1
  peer.owedBytes += sizeOf(write)
  answerProbes(state, from, peer, outputs)
  const { acknowledgeUpdates, acknowledgeBytes } = state.bounds
  if (peer.owedUpdates >= acknowledgeUpdates || peer.owedBytes >= acknowledgeBytes) {
    acknowledge(state, from, peer, 0, outputs)
  }
}

function applyEarly(state: WeakState, outputs: WeakOutput[]): void {
  for (let isMoving = true; isMoving; ) {
    isMoving = false
    for (const [from, updates] of state.early) {
      const kept = updates.filter((update) => update[0] > appliedOf(state, from))
      const due = kept.find((update) => isDue(state, from, update))
      if (due !== undefined) {
        apply(state, from, due, outputs)
        isMoving = true
      }
      const left = kept.filter((update) => update !== due)
      if (left.length === 0) state.early.delete(from)
      else state.early.set(from, left)
    }
  }
}

/** What all members have of a sender need not be kept for any of them. */
export function trimLog(state: WeakState, from: number, stable: number): void {
  const log = state.logs.get(from)
  if (log === undefined) return
  let known = 0
  while (known < log.length && (log[known]?.[0] ?? 0) <= stable) known += 1
  if (known === log.length) state.logs.delete(from)
  else if (known > 0) log.splice(0, known)
}

export function receiveProbe(
  state: WeakState,
  from: number,
  peer: WeakPeer,
  probe: readonly [count: number, pull: number],
  outputs: WeakOutput[],
): void {
  peer.probes.push(probe)
  answerProbes(state, from, peer, outputs)
}

function answerProbes(state: WeakState, from: number, peer: WeakPeer, outputs: WeakOutput[]): void {
  const isEarly = state.mutant === 'ack before apply'
  for (let first = peer.probes[0]; first !== undefined; first = peer.probes[0]) {
    const [count, pull] = first
    if (appliedOf(state, from) < count && !isEarly) return
    peer.probes.shift()
    acknowledge(state, from, peer, pull, outputs, isEarly ? count : 0)
  }
}

function acknowledge(
  state: WeakState,
  to: number,
  peer: WeakPeer,
  pull: number,
  outputs: WeakOutput[],
  least = 0,
): void {
  peer.owedUpdates = 0
  peer.owedBytes = 0
  const upTo = Math.max(appliedOf(state, to), least)
  if (pull === 0) sendTo(outputs, to, ['ack', upTo])
  else sendTo(outputs, to, ['pulled', pull, upTo, state.made])
}
