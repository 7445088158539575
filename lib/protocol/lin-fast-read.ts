/**
 * Linearizable objects of which every node has a copy: reads are answered there, without a message.
 * The home of an object gives its updates an order; an update takes effect when every member has
 * it. The rules are in `docs/protocols/lin-fast-read.md`.
 *
 * Rule 1: a node that may not serve does nothing at all, for ever.
 * Rule 2: messages of a later view wait for it.
 * Rule 3: what a node says to itself goes the same way as what it says to others, within the step.
 */
import { heldMessagesMax } from '../limits.ts'
import type { LinFastReadMessage, UpdateOperation } from '../wire/lin-fast-read-messages.ts'
import type { StrictOperation } from '../wire/messages.ts'
import {
  forget,
  refusal,
  refuseAll,
  resendUpdates,
  takeRefusal,
  takeReply,
  takeUpdateRequest,
} from './lin-fast-read-client.ts'
import { restoreObjects, takeAcknowledge, takeComplete, takeUpdate } from './lin-fast-read-home.ts'
import { takeInvalidate, takeRestore, takeSynced, takeValidate } from './lin-fast-read-member.ts'
import { cells, type ReadOperation, takeRead, wakeObject } from './lin-fast-read-reads.ts'
import { keepServed } from './lin-fast-read-records.ts'
import {
  homesOf,
  initialState,
  type LinFastReadOutput,
  type LinFastReadParameters,
  type LinFastReadState,
} from './lin-fast-read-state.ts'
import { rendezvous } from './rendezvous.ts'
import type { ReplicaInput, ReplicaMachine, ReplicaRequest, View } from './replica.ts'

export type {
  LinFastReadMutant,
  LinFastReadOutput,
  LinFastReadParameters,
  LinFastReadState,
} from './lin-fast-read-state.ts'
export type { LinFastReadMessage }

export type LinFastReadInput = ReplicaInput<StrictOperation, LinFastReadMessage>

export const linFastRead: ReplicaMachine<
  LinFastReadState,
  LinFastReadInput,
  LinFastReadOutput,
  LinFastReadParameters
> = { initial: initialState, step, cells }

function step(state: LinFastReadState, input: LinFastReadInput): readonly LinFastReadOutput[] {
  const outputs: LinFastReadOutput[] = []
  switch (input.type) {
    case 'request':
    case 'message':
    case 'view':
      if (input.mayServe) state.hasServed = true
      else if (!isEarly(state, input) && state.mutant !== 'no lease test') end(state, outputs)
      if (!state.isOver) serve(state, outputs, input)
      else if (input.type === 'request' && input.call !== 0) {
        outputs.push(refusal(input.client, input.call, false))
      }
      break
    case 'forget':
      forget(state, input.client, input.call)
      break
    case 'ownerEnded':
      break
    case 'clientLost':
      for (const call of [...(state.waiting.get(input.client)?.keys() ?? [])]) {
        forget(state, input.client, call)
      }
      break
    case 'lockGranted':
      keepServed(state, input.lock, input.token)
      break
    case 'lockFreed':
      // Its next holder has a larger one.
      keepServed(state, input.lock, input.token + 1)
      break
  }
  return outputs
}

/** There is no lease yet, and nothing that one would be needed for. */
function isEarly(state: LinFastReadState, { type }: LinFastReadInput): boolean {
  return type === 'view' && !state.hasServed
}

function end(state: LinFastReadState, outputs: LinFastReadOutput[]): void {
  if (state.isOver) return
  state.isOver = true
  refuseAll(state, outputs)
}

type ServedInput = Extract<LinFastReadInput, { type: 'request' | 'message' | 'view' }>

function serve(state: LinFastReadState, outputs: LinFastReadOutput[], input: ServedInput): void {
  if (input.type === 'request') request(state, outputs, input)
  else if (input.type === 'message') takeMessage(state, outputs, input.from, input.message)
  else takeView(state, outputs, input.view)
  // What was said to itself; that may say more.
  for (let at = 0; at < outputs.length; at += 1) {
    const output = outputs[at]
    if (output?.type !== 'send' || output.to !== state.place) continue
    outputs.splice(at, 1)
    at -= 1
    takeMessage(state, outputs, state.place, output.message)
  }
}

function request(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  input: ReplicaRequest,
): void {
  const { operation, client, call } = input
  switch (operation[0]) {
    case 'get':
    case 'keys':
    case 'entries':
    case 'wait':
      return takeRead(state, outputs, input, operation satisfies ReadOperation)
    case 'init':
    case 'set':
    case 'add':
    case 'compareAndSet':
    case 'replace':
    case 'delete':
      return takeUpdateRequest(state, outputs, input, operation satisfies UpdateOperation)
    default: {
      if (call === 0) return
      // The compiler knows that this cannot be; a peer of another version does not.
      const name: unknown = (operation as readonly unknown[])[0]
      const message = `LinFastRead operation: ${String(name)} is not known`
      outputs.push({ type: 'refuse', client, call, code: 'ERR_GOAWAY_PROTOCOL', message })
    }
  }
}

function takeMessage(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  from: number,
  message: LinFastReadMessage,
): void {
  switch (message[0]) {
    case 'reply':
      return takeReply(state, outputs, from, message)
    case 'refusal':
      return takeRefusal(state, outputs, from, message)
    case 'validate':
      return takeValidate(state, outputs, message)
    default:
  }
  if (message[1] > state.epoch && state.mutant !== 'no epoch filter') {
    if (state.held.length < heldMessagesMax) state.held.push({ from, message })
    return
  }
  switch (message[0]) {
    case 'update':
      return takeUpdate(state, outputs, from, message)
    case 'invalidate':
      return takeInvalidate(state, outputs, from, message)
    case 'acknowledge':
      return takeAcknowledge(state, outputs, from, message)
    case 'restore':
      return takeRestore(state, outputs, from, message)
    case 'synced':
      return takeSynced(state, outputs, from, message)
    case 'complete':
      return takeComplete(state, from, message)
    default:
      // A message of another version of this library.
      return message satisfies never
  }
}

function takeView(state: LinFastReadState, outputs: LinFastReadOutput[], view: View): void {
  if (view.epoch <= state.epoch) return
  const { epoch, members } = view
  if (!members.includes(state.place)) return end(state, outputs)
  const isFirst = state.epoch === 0
  const lostHome = state.homes.some((home) => !members.includes(home))
  state.epoch = epoch
  state.members = members
  state.homes = homesOf(members, state.founders, state.placement)
  for (const kept of [state.clients, state.knowing, state.told]) {
    for (const place of kept.keys()) if (!members.includes(place)) kept.delete(place)
  }
  if (lostHome) changeHomes(state)
  restoreObjects(state, outputs)
  resendUpdates(state, outputs)
  if (isFirst) for (const name of [...state.reads.keys()]) wakeObject(state, outputs, name)
  const held = state.held
  state.held = []
  for (const { from, message } of held) takeMessage(state, outputs, from, message)
}

/** A home is gone, and what it had is with others. */
function changeHomes(state: LinFastReadState): void {
  state.synced.clear()
  // Each home has all to tell what it has taken over, be it nothing.
  state.told.clear()
  for (const [name, object] of state.objects) {
    const home = rendezvous(name, state.homes)
    if (home === object.home) continue
    object.home = home
    object.isTakenOver = home === state.place
    object.isOrphan = home !== state.place
  }
}
