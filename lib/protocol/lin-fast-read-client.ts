/**
 * The part of the node that speaks for its threads: it sends their updates to the homes, and sends
 * them again when a home is lost.
 *
 * Rule 1: an update has its number for ever; the homes know by it what took place.
 * Rule 2: only that home's answer is taken to which the update was sent last: an earlier one may
 * have answered what it did not live to keep.
 */
import type { GoawayErrorCode } from '../errors.ts'
import { updatesUnderWayMax } from '../limits.ts'
import type {
  LinFastReadMessage,
  UpdateAnswer,
  UpdateOperation,
} from '../wire/lin-fast-read-messages.ts'
import type { StrictAnswer } from '../wire/messages.ts'
import { dropWaiting, keepWaiting, unpark } from './lin-fast-read-reads.ts'
import {
  homeOf,
  type LinFastReadOutput,
  type LinFastReadState,
  type SentUpdate,
  send,
} from './lin-fast-read-state.ts'
import type { ReplicaRequest } from './replica.ts'

type MessageOf<Name> = Extract<LinFastReadMessage, readonly [Name, ...unknown[]]>

export function takeUpdateRequest(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  { client, call }: ReplicaRequest,
  operation: UpdateOperation,
): void {
  if (state.updates.size >= updatesUnderWayMax) {
    if (call === 0) return
    const what = `${operation[0]} a field of ${JSON.stringify(operation[1])}`
    const message = `${what}: ${updatesUnderWayMax} updates of this node are under way`
    outputs.push({ type: 'refuse', client, call, code: 'ERR_GOAWAY_LIMIT', message })
    return
  }
  state.lastSequence += 1
  const update: SentUpdate = { operation, client, call, home: -1 }
  state.updates.set(state.lastSequence, update)
  if (call !== 0) {
    keepWaiting(state, client, call, state.lastSequence)
    outputs.push({ type: 'parked', client, call })
  }
  sendUpdate(state, outputs, state.lastSequence, update)
}

function sendUpdate(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  sequence: number,
  update: SentUpdate,
): void {
  if (state.epoch === 0) return
  update.home = homeOf(state, update.operation[1])
  const [ackUpTo] = state.updates.keys()
  send(outputs, update.home, [
    'update',
    state.epoch,
    sequence,
    ackUpTo ?? sequence,
    update.operation,
  ])
}

/** After a view: what was sent to a home that is gone goes to the next. */
export function resendUpdates(state: LinFastReadState, outputs: LinFastReadOutput[]): void {
  for (const [sequence, update] of state.updates) {
    if (update.home === homeOf(state, update.operation[1])) continue
    sendUpdate(state, outputs, sequence, update)
  }
}

export function takeReply(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  from: number,
  [, sequence, answer]: MessageOf<'reply'>,
): void {
  const update = takeSent(state, from, sequence)
  if (update === null || update.call === 0) return
  const { client, call, operation } = update
  outputs.push({ type: 'answer', client, call, answer: wholeAnswer(operation, answer) })
}

/** The home leaves out the value that the update came with. */
function wholeAnswer(operation: UpdateOperation, answer: UpdateAnswer): StrictAnswer {
  if (!Array.isArray(answer) || answer.length !== 2) return answer as StrictAnswer
  const isConditional = operation[0] === 'compareAndSet' || operation[0] === 'replace'
  return [answer[0], answer[1], isConditional ? operation[4] : undefined]
}

export function takeRefusal(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  from: number,
  [, sequence, code, message]: MessageOf<'refusal'>,
): void {
  const update = takeSent(state, from, sequence)
  if (update === null || update.call === 0) return
  outputs.push({ type: 'refuse', client: update.client, call: update.call, code, message })
}

function takeSent(state: LinFastReadState, from: number, sequence: number): SentUpdate | null {
  const update = state.updates.get(sequence)
  if (update === undefined) return null
  if (update.home !== from && state.mutant !== 'late replies are taken') return null
  state.updates.delete(sequence)
  if (update.call !== 0) dropWaiting(state, update.client, update.call)
  return update
}

/** The caller no longer wants the answer; an update that was sent takes place all the same. */
export function forget(state: LinFastReadState, client: number, call: number): void {
  const place = state.waiting.get(client)?.get(call)
  if (place === undefined) return
  dropWaiting(state, client, call)
  if (typeof place === 'object') {
    unpark(state, client, call, place)
    return
  }
  const update = state.updates.get(place)
  if (update !== undefined) update.call = 0
}

/** This node serves no more: whoever waits is told so. */
export function refuseAll(state: LinFastReadState, outputs: LinFastReadOutput[]): void {
  for (const [client, calls] of [...state.waiting]) {
    for (const [call, place] of [...calls]) {
      outputs.push(refusal(client, call, typeof place === 'number'))
      if (typeof place === 'object') unpark(state, client, call, place)
    }
  }
  state.waiting.clear()
  state.updates.clear()
}

export function refusal(client: number, call: number, maybeExecuted: boolean): LinFastReadOutput {
  const code: GoawayErrorCode = 'ERR_GOAWAY_NODE_LOST'
  const message = 'ask a LinFastRead object: this node has lost its place in the cluster'
  return maybeExecuted
    ? { type: 'refuse', client, call, code, message, maybeExecuted }
    : { type: 'refuse', client, call, code, message }
}
