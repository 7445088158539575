/**
 * `UpdateOnRelease`: what is written under an object's lock shows to others when the lock is
 * released, all of it at once. Lock and data are at one master, which keeps one log of releases;
 * every node reads its own replica, which follows the log. The rules are in
 * `docs/protocols/update-on-release.md`.
 *
 * Rule 1: the writes of a critical section are not here. They wait at the thread that made them,
 * and arrive with its release.
 * Rule 2: where a lock is held, its holder's node orders what becomes of it, and nobody else does
 * but the master, when that node is gone.
 */
import type { GoawayErrorCode } from '../errors.ts'
import type {
  FromMasterMessage,
  ToMasterMessage,
  UpdateOnReleaseMessage,
  UpdateOnReleaseOperation,
} from '../wire/update-on-release-messages.ts'
import {
  type ReplicaMachine,
  type ReplicaRequest,
  updateOnReleaseLock,
  type View,
} from './replica.ts'
import {
  type MasterNode,
  newsAtMaster,
  receiveAtMaster,
  viewAtMaster,
} from './update-on-release-master.ts'
import {
  askReplica,
  cells,
  closeCall,
  receiveFromMaster,
  refuseOpen,
} from './update-on-release-replica.ts'
import type {
  OpenCall,
  UpdateOnReleaseInput,
  UpdateOnReleaseOutput,
  UpdateOnReleaseParameters,
  UpdateOnReleaseState,
} from './update-on-release-state.ts'
import { initialState, putInner, takeInner } from './update-on-release-state.ts'

export type {
  UpdateOnReleaseInput,
  UpdateOnReleaseMutant,
  UpdateOnReleaseOutput,
  UpdateOnReleaseParameters,
  UpdateOnReleaseState,
} from './update-on-release-state.ts'

export const updateOnRelease: ReplicaMachine<
  UpdateOnReleaseState,
  UpdateOnReleaseInput,
  UpdateOnReleaseOutput,
  UpdateOnReleaseParameters
> = { initial: initialState, step, cells }

const masterLost = 'ERR_GOAWAY_MASTER_LOST'
const masterLostText = 'the node that keeps the log of all UpdateOnRelease objects is gone'

type Request = ReplicaRequest<UpdateOnReleaseOperation>
type Outputs = UpdateOnReleaseOutput[]

function step(
  state: UpdateOnReleaseState,
  input: UpdateOnReleaseInput,
): readonly UpdateOnReleaseOutput[] {
  const outputs: Outputs = []
  if (isLeaseOver(state, input)) endNode(state, outputs)
  if (state.isOver) {
    if (input.type === 'request' && input.call !== 0) refuseOver(input, false, outputs)
    return outputs
  }
  switch (input.type) {
    case 'request':
      return request(state, input)
    case 'message':
      receive(state, input.from, input.message, outputs)
      return outputs
    case 'view':
      takeView(state, input.view, outputs)
      return outputs
    case 'forget':
      forget(state, input.client, input.call, outputs)
      return outputs
    case 'ownerEnded':
      endOwner(state, input.client, input.owner, outputs)
      return outputs
    case 'clientLost':
      loseClient(state, input.client, outputs)
      return outputs
    case 'lockGranted':
      state.master?.tokens.set(input.lock, input.token)
      return outputs
    case 'lockFreed':
      if (state.master?.tokens.get(input.lock) === input.token) {
        state.master.tokens.delete(input.lock)
      }
      return outputs
    case 'lockAnswered':
    case 'lockRefused':
      if (isMaster(state)) newsAtMaster(state, input, outputs)
      return outputs
    case 'leaseOver':
      return outputs
  }
}

/** Whoever may not serve answers no read, commits nothing and grants nothing. */
function isLeaseOver({ mutant }: UpdateOnReleaseState, input: UpdateOnReleaseInput): boolean {
  switch (input.type) {
    case 'request':
    case 'message':
    case 'view':
    case 'lockAnswered':
    case 'lockRefused':
    case 'leaseOver':
      return !input.mayServe && mutant !== 'lease not asked'
    default:
      return false
  }
}

/** It has no lease any more, or was removed: whoever waits here is told, and that is all. */
function endNode(state: UpdateOnReleaseState, outputs: Outputs): void {
  if (state.isOver) return
  state.isOver = true
  for (const [client, calls] of state.open) {
    for (const [call, { kind }] of calls) {
      refuseOver({ client, call }, kind === 'write', outputs)
    }
  }
  state.open.clear()
  state.waits.clear()
  const why = 'this node has lost its place in the cluster'
  loseHolds(state, { code: 'ERR_GOAWAY_NODE_LOST', why }, outputs)
}

/** Those who hold locks can release them no more. */
function loseHolds(
  state: UpdateOnReleaseState,
  { why, ...reason }: { code: GoawayErrorCode; why: string; lost?: number },
  outputs: Outputs,
): void {
  for (const [client, holds] of state.holds) {
    for (const [object, { token }] of holds) {
      const message = `The lock of object ${JSON.stringify(object)} is lost: ${why}`
      const lock = updateOnReleaseLock(object)
      outputs.push({ type: 'lockLost', client, lock, token, message, ...reason })
    }
  }
  state.holds.clear()
}

function refuseOver(
  { client, call }: Pick<Request, 'client' | 'call'>,
  maybeExecuted: boolean,
  outputs: Outputs,
): void {
  const message = 'ask an UpdateOnRelease object: this node has lost its place in the cluster'
  const code = 'ERR_GOAWAY_NODE_LOST'
  outputs.push({ type: 'refuse', client, call, code, message, maybeExecuted })
}

function isMaster(state: UpdateOnReleaseState): state is MasterNode {
  return state.master !== null
}

function request(state: UpdateOnReleaseState, input: Request): readonly UpdateOnReleaseOutput[] {
  const outputs: Outputs = []
  const { client, call } = input
  ask(state, input, outputs)
  // Before what the request brings about: its answer may be among that.
  if (state.open.get(client)?.has(call) === true) outputs.unshift({ type: 'parked', client, call })
  return outputs
}

function ask(state: UpdateOnReleaseState, input: Request, outputs: Outputs): void {
  const { client, call, owner, thread, blocking, operation } = input
  const [name, object] = operation
  switch (operation[0]) {
    case 'get':
    case 'keys':
    case 'entries':
    case 'wait':
      return read(state, input, operation, outputs)
    case 'acquire':
    case 'tryAcquire': {
      // Nobody would ever learn the token.
      if (call === 0) return
      const message = ['acquire', client, call, owner, thread, blocking, object] as const
      const mayWait = name === 'acquire'
      const open = { kind: 'acquire', object, owner } as const
      return askMaster(state, input, open, [...message, mayWait], outputs)
    }
    case 'release': {
      const [, , token, writes, ackAll, fences] = operation
      if (state.holds.get(client)?.get(object)?.token === token) {
        takeInner(state.holds, client, object)
      }
      const message = ['release', client, call, object, token, writes, ackAll, fences] as const
      return askMaster(state, input, { kind: 'write' }, message, outputs)
    }
    case 'init': {
      const message = ['init', client, call, object, operation[2]] as const
      return askMaster(state, input, { kind: 'write' }, message, outputs)
    }
    case 'set':
    case 'add':
    case 'compareAndSet':
    case 'replace':
    case 'delete': {
      const what = `${name} ${JSON.stringify(operation[2])} of object ${JSON.stringify(object)}`
      const text = `${what}: it is written under its lock: acquire() it, write, release() it`
      if (call === 0) return
      outputs.push({
        type: 'refuse',
        client,
        call,
        code: 'ERR_GOAWAY_LOCK_NOT_HELD',
        message: text,
      })
      return
    }
    default:
      return refuseUnknown(input, operation, outputs)
  }
}

/** The compiler knows that this cannot be; a thread of another version does not. */
function refuseUnknown({ client, call }: Request, operation: never, outputs: Outputs): void {
  const name: unknown = (operation as readonly unknown[])[0]
  const message = `update-on-release operation: ${String(name)} is not known`
  if (call === 0) return
  outputs.push({ type: 'refuse', client, call, code: 'ERR_GOAWAY_PROTOCOL', message })
}

function read(
  state: UpdateOnReleaseState,
  { client, call }: Request,
  operation: Parameters<typeof askReplica>[2],
  outputs: Outputs,
): void {
  askReplica(state, { client, call }, operation, outputs)
  const open = state.open.get(client)?.get(call)
  // What the replica shows stays as it is for ever.
  if (open !== undefined && state.isMasterLost) refuseLost(state, client, call, open, outputs)
}

function askMaster(
  state: UpdateOnReleaseState,
  { client, call }: Request,
  open: OpenCall,
  message: ToMasterMessage,
  outputs: Outputs,
): void {
  if (call !== 0) putInner(state.open, client, call, open)
  if (!state.isMasterLost) return tellMaster(state, message, outputs)
  // It was not sent: nothing of it can have taken place.
  if (call !== 0) refuseLost(state, client, call, null, outputs)
}

function tellMaster(state: UpdateOnReleaseState, message: ToMasterMessage, outputs: Outputs): void {
  if (isMaster(state)) receiveAtMaster(state, state.place, message, outputs)
  else outputs.push({ type: 'send', to: state.masterPlace, message })
}

function receive(
  state: UpdateOnReleaseState,
  from: number,
  message: UpdateOnReleaseMessage,
  outputs: Outputs,
): void {
  if (isMaster(state)) {
    receiveAtMaster(state, from, message as ToMasterMessage, outputs)
  } else if (from === state.masterPlace && !state.isMasterLost) {
    receiveFromMaster(state, message as FromMasterMessage, outputs)
  }
}

function takeView(state: UpdateOnReleaseState, { epoch, members }: View, outputs: Outputs): void {
  if (epoch <= state.epoch) return
  const isFirst = state.epoch === 0
  state.epoch = epoch
  state.members = members
  if (!members.includes(state.place)) {
    endNode(state, outputs)
  } else if (isMaster(state)) {
    viewAtMaster(state, outputs)
  } else if (!members.includes(state.masterPlace)) {
    loseMaster(state, outputs)
  } else if (isFirst) {
    tellMaster(state, ['join', epoch], outputs)
  }
}

/** Nobody else has the log, or may write on. What is here stays as it is. */
function loseMaster(state: UpdateOnReleaseState, outputs: Outputs): void {
  state.isMasterLost = true
  const reason = { code: masterLost, why: masterLostText, lost: state.masterPlace } as const
  loseHolds(state, reason, outputs)
  state.ahead.clear()
  state.gated = []
  for (const [client, calls] of [...state.open]) {
    for (const [call, open] of [...calls]) refuseLost(state, client, call, open, outputs)
  }
}

function refuseLost(
  state: UpdateOnReleaseState,
  client: number,
  call: number,
  sent: OpenCall | null,
  outputs: Outputs,
): void {
  closeCall(state, client, call)
  const maybeExecuted = sent?.kind === 'write'
  const [code, message, lost] = [masterLost, masterLostText, state.masterPlace] as const
  outputs.push({ type: 'refuse', client, call, code, message, maybeExecuted, lost })
}

/** What waits is given up; anything else has its answer on the way. */
function forget(state: UpdateOnReleaseState, client: number, call: number, outputs: Outputs): void {
  const kind = state.open.get(client)?.get(call)?.kind
  if (kind === 'acquire' || kind === 'wait') dropCall(state, client, call, outputs)
}

function dropCall(
  state: UpdateOnReleaseState,
  client: number,
  call: number,
  outputs: Outputs,
): void {
  const open = closeCall(state, client, call)
  if (open?.kind !== 'acquire') return
  tellMaster(state, ['forget', client, call, open.object], outputs)
}

/** Its locks pass on, and what it has written under them is nowhere but in its thread. */
function endOwner(
  state: UpdateOnReleaseState,
  client: number,
  owner: number,
  outputs: Outputs,
): void {
  if (owner === 0) return
  for (const [call, open] of [...(state.open.get(client) ?? [])]) {
    if (open.kind !== 'acquire' || open.owner !== owner) continue
    const text = `acquire object ${JSON.stringify(open.object)}: routine ${owner} has ended`
    tellMaster(state, ['forget', client, call, open.object], outputs)
    refuseOpen(state, client, call, 'ERR_GOAWAY_CANCELLED', text, outputs)
  }
  for (const [object, hold] of [...(state.holds.get(client) ?? [])]) {
    if (hold.owner === owner) abandon(state, client, object, outputs)
  }
}

function loseClient(state: UpdateOnReleaseState, client: number, outputs: Outputs): void {
  // Its waits go first, lest a lock of its own be granted to it once more.
  for (const call of [...(state.open.get(client)?.keys() ?? [])]) {
    dropCall(state, client, call, outputs)
  }
  for (const object of [...(state.holds.get(client)?.keys() ?? [])]) {
    abandon(state, client, object, outputs)
  }
}

function abandon(
  state: UpdateOnReleaseState,
  client: number,
  object: string,
  outputs: Outputs,
): void {
  const hold = takeInner(state.holds, client, object)
  if (hold !== undefined) tellMaster(state, ['abandon', client, object, hold.token], outputs)
}
