/**
 * Objects of which every node has a replica that it reads and writes at once; writes come to the
 * other nodes in the order in which their node made them, and the last one wins. The rules are in
 * `docs/protocols/weak.md`.
 *
 * Rule 1: what a replica shows is a function of the set of writes that have come to it.
 * Rule 2: that set only grows, and holds of each node its first writes, without a gap.
 * Rule 3: a refused request leaves no trace.
 */
import type { WeakMessage } from '../wire/weak-messages.ts'
import type { ReplicaMachine } from './replica.ts'
import { cells } from './weak-cells.ts'
import { receiveProbe, receiveUpdate, trimLog } from './weak-delivery.ts'
import { answerSyncs, dropAwaits, receiveAck, receivePulled } from './weak-fences.ts'
import { notServing } from './weak-refusal.ts'
import { forget, loseClient, refuse, refuseAll, takeQueued, takeRequest } from './weak-requests.ts'
import type { WeakInput, WeakOutput, WeakParameters, WeakState } from './weak-state.ts'
import { initialWeak } from './weak-state.ts'
import { installView, receiveFlush, receiveSettled, receiveState, settle } from './weak-views.ts'

export type { WeakInput, WeakMutant, WeakOutput, WeakParameters, WeakState } from './weak-state.ts'

export const weak: ReplicaMachine<WeakState, WeakInput, WeakOutput, WeakParameters> = {
  initial: initialWeak,
  step,
  cells,
}

/** The same in causal order, for objects that ask for it. */
export const weakCausal: ReplicaMachine<WeakState, WeakInput, WeakOutput, WeakParameters> = {
  initial: (parameters) => initialWeak({ ...parameters, order: 'causal' }),
  step,
  cells,
}

const nothing: readonly WeakOutput[] = []

function step(state: WeakState, input: WeakInput): readonly WeakOutput[] {
  switch (input.type) {
    case 'request':
    case 'message':
    case 'view':
      return serve(state, input)
    case 'forget':
      forget(state, input.client, input.call)
      return nothing
    case 'clientLost':
      loseClient(state, input.client)
      return nothing
    case 'ownerEnded':
    case 'lockGranted':
    case 'lockFreed':
      return nothing
  }
}

function serve(
  state: WeakState,
  input: Extract<WeakInput, { mayServe: boolean }>,
): readonly WeakOutput[] {
  const outputs: WeakOutput[] = []
  const isOut = input.type === 'view' && !input.view.members.includes(state.place)
  if (!state.isOver && (isOut || !input.mayServe)) {
    state.isOver = true
    refuseAll(state, outputs)
  }
  if (state.isOver) {
    if (input.type === 'request') refuse(input, notServing(input.operation[0]), outputs)
  } else if (input.type === 'request') {
    takeRequest(state, input, outputs)
  } else if (input.type === 'view') {
    if (input.view.epoch <= state.epoch) return nothing
    installView(state, input.view, outputs)
    dropAwaits(state)
    takeHeld(state, outputs)
    proceed(state, outputs)
  } else {
    receive(state, input.from, input.message, outputs)
    proceed(state, outputs)
  }
  return outputs
}

/** Whatever came may be what somebody waits for. */
function proceed(state: WeakState, outputs: WeakOutput[]): void {
  takeQueued(state, outputs)
  answerSyncs(state, outputs)
}

/** What comes before the first view, or before the state, waits for it. */
function receive(
  state: WeakState,
  from: number,
  message: WeakMessage,
  outputs: WeakOutput[],
): void {
  if (state.isReady) return receiveReady(state, from, message, outputs)
  const isPart = message[0] === 'state' && state.epoch > 0
  if (!isPart) {
    state.held.push([from, message])
  } else if (receiveState(state, message, outputs)) {
    takeHeld(state, outputs)
    settle(state, outputs)
  }
}

function takeHeld(state: WeakState, outputs: WeakOutput[]): void {
  for (const [from, message] of state.held.splice(0)) receive(state, from, message, outputs)
}

function receiveReady(
  state: WeakState,
  from: number,
  message: WeakMessage,
  outputs: WeakOutput[],
): void {
  const peer = state.peers.get(from)
  if (message[0] === 'flush') {
    // It may have a view that comes to this node later; if not, it has left.
    if (peer === undefined && message[1] <= state.epoch) return
    return receiveFlush(state, from, message, outputs)
  }
  if (peer === undefined) return
  switch (message[0]) {
    case 'update':
      receiveUpdate(state, from, message[2], outputs)
      trimLog(state, from, message[1])
      return settle(state, outputs)
    case 'ack':
      return receiveAck(state, peer, message[1])
    case 'probe':
      return receiveProbe(state, from, peer, [message[1], message[2]], outputs)
    case 'pulled':
      receiveAck(state, peer, message[2])
      return receivePulled(state, from, message[1], message[3])
    case 'settled':
      return receiveSettled(state, from, message[1])
  }
}
