/**
 * What happens when the view changes (docs/protocols/weak.md, steps 6 to 9). Each member tells all
 * others what it has of those who left, so that what came to one of them comes to all. The spawner
 * gives its state to a member that joined, once it has everything that was before the view.
 */
import { weakStateRows } from '../limits.ts'
import type {
  AppliedRows,
  LostUpdates,
  StateRow,
  WeakMessage,
  WeakUpdate,
} from '../wire/weak-messages.ts'
import type { View } from './replica.ts'
import { installRow, rowOf } from './weak-cells.ts'
import { appliedOf, moveWindow, receiveUpdate, sendTo, sendToOthers } from './weak-delivery.ts'
import type { WeakOutput, WeakState } from './weak-state.ts'
import { isSettled, newPeer } from './weak-state.ts'

type MessageOf<Name extends WeakMessage[0]> = Extract<WeakMessage, readonly [Name, ...unknown[]]>

const spawnerPlace = 0

export function installView(state: WeakState, view: View, outputs: WeakOutput[]): void {
  const isFirst = state.epoch === 0
  for (const [place, peer] of state.peers) {
    // One that has a later view than this is not in it yet; any other has left.
    if (!view.members.includes(place) && peer.flushed <= view.epoch) leave(state, place, view.epoch)
  }
  const known = new Set(state.others)
  for (const place of view.members) {
    if (place !== state.place && !known.has(place)) join(state, place, view)
  }
  state.epoch = view.epoch
  state.others = view.members.filter((place) => place !== state.place)
  if (isFirst && state.place <= state.founders) state.isReady = true
  // Before the first view there was nothing, and nobody was in who is not now.
  if (view.epoch > 1) {
    sendToOthers(state, outputs, ['flush', view.epoch, state.made, lostUpdates(state)])
  }
  moveWindow(state)
  if (state.mutant === 'state sent at once') sendStates(state, outputs)
  settle(state, outputs)
}

function leave(state: WeakState, place: number, epoch: number): void {
  if (state.mutant !== 'late messages of a lost node taken') state.peers.delete(place)
  state.joiners.delete(place)
  state.lost.set(place, epoch)
}

function join(state: WeakState, place: number, view: View): void {
  const peer = state.peers.get(place) ?? newPeer(view.epoch === 1 ? 1 : 0, 0)
  // What was made before comes to it with the state, before it reads anything.
  peer.acked = state.made
  peer.asked = state.made
  state.peers.set(place, peer)
  state.lost.delete(place)
  if (state.place === spawnerPlace && place > state.founders) state.joiners.add(place)
}

/** Applied or not: an update that waits here for others must come to all, or to none. */
function lostUpdates(state: WeakState): LostUpdates {
  if (state.mutant === 'no forwarding at a removal') return []
  const lost: (readonly [number, readonly WeakUpdate[]])[] = []
  for (const [place, epoch] of state.lost) {
    if (state.mutant === 'nothing kept for a second removal' && epoch !== state.epoch) continue
    const updates = [...(state.logs.get(place) ?? []), ...(state.early.get(place) ?? [])]
    if (updates.length > 0) lost.push([place, updates])
  }
  return lost
}

export function receiveFlush(
  state: WeakState,
  from: number,
  message: MessageOf<'flush'>,
  outputs: WeakOutput[],
): void {
  const [, epoch, made, lost] = message
  const peer = state.peers.get(from) ?? newPeer(0, 0)
  state.peers.set(from, peer)
  peer.flushed = Math.max(peer.flushed, epoch)
  peer.made = Math.max(peer.made, made)
  for (const [place, updates] of lost) {
    if (place === state.place) continue
    const isNews = updates.some(([count]) => count > appliedOf(state, place))
    // It came and left between two views of this node.
    if (isNews && !state.peers.has(place) && !state.lost.has(place)) state.lost.set(place, epoch)
    for (const update of updates) receiveUpdate(state, place, update, outputs)
  }
  settle(state, outputs)
}

/** Looks whether all that was before the view has come. */
export function settle(state: WeakState, outputs: WeakOutput[]): void {
  if (!state.isReady || isSettled(state)) return
  for (const place of state.others) {
    const peer = state.peers.get(place)
    if (peer === undefined || peer.flushed < state.epoch) return
    if (appliedOf(state, place) < peer.made) return
  }
  state.settled = state.epoch
  // Nobody has what these wait for.
  for (const place of state.early.keys()) if (!state.peers.has(place)) state.early.delete(place)
  if (state.epoch > 1) sendToOthers(state, outputs, ['settled', state.epoch])
  sendStates(state, outputs)
  dropLost(state)
}

export function receiveSettled(state: WeakState, from: number, epoch: number): void {
  const peer = state.peers.get(from)
  if (peer === undefined) return
  peer.settled = Math.max(peer.settled, epoch)
  dropLost(state)
}

/** What everybody has of who left need not be kept. */
function dropLost(state: WeakState): void {
  if (state.lost.size === 0) return
  let least = state.settled
  for (const place of state.others) least = Math.min(least, state.peers.get(place)?.settled ?? 0)
  for (const [place, epoch] of state.lost) {
    if (epoch > least) continue
    state.lost.delete(place)
    state.logs.delete(place)
  }
}

function sendStates(state: WeakState, outputs: WeakOutput[]): void {
  if (state.joiners.size === 0) return
  const rows: StateRow[] = []
  for (const [name, object] of state.objects) {
    for (const [field, cell] of object.fields) rows.push(rowOf(name, field, cell))
  }
  const applied: AppliedRows = [...state.applied, [state.place, state.made]]
  for (const place of state.joiners) {
    let at = 0
    for (; rows.length - at > weakStateRows; at += weakStateRows) {
      const part = rows.slice(at, at + weakStateRows)
      sendTo(outputs, place, ['state', part, null, state.lamport])
    }
    sendTo(outputs, place, ['state', rows.slice(at), applied, state.lamport])
  }
  state.joiners.clear()
}

/** Whether the state is whole now. */
export function receiveState(
  state: WeakState,
  message: MessageOf<'state'>,
  outputs: WeakOutput[],
): boolean {
  const [, rows, applied, lamport] = message
  state.parts.push(...rows)
  if (applied === null) return false
  for (const row of state.parts.splice(0)) installRow(state, row, outputs)
  state.lamport = Math.max(state.lamport, lamport)
  for (const [place, count] of applied) {
    if (place !== state.place) state.applied.set(place, count)
  }
  state.isReady = true
  return true
}
