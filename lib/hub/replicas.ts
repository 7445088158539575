/**
 * Drives the replicated stores of this node: one machine each, which is the replica, the home or
 * master, and the client of this node's threads. All other operations go on to the stores behind.
 *
 * Rule 1: inputs are taken one by one, and all outputs of one are performed before the next; what
 * they bring about at once, such as a lock that is granted, is taken after them.
 * Rule 2: a machine is told whether this node may serve when the input is taken, and its outputs
 * are performed before anything else is, so that no pause can come between.
 * Rule 3: what became of locks is told to a machine before its next input, the last of each lock:
 * there are many locks, and few machines that are in use.
 * Rule 4: before its first lease a node feeds its machines nothing: all of it waits. Messages of a
 * node that is not in the view yet wait as well (`Peers`).
 */
import { recordOf } from '../client/error-codec.ts'
import { GoawayError } from '../errors.ts'
import { lockNewsMax } from '../limits.ts'
import type { Machine } from '../protocol/machine.ts'
import type {
  LeaseOver,
  LockLost,
  LockNews,
  LockOrder,
  ReplicaInput,
  ReplicaMachine as ReplicaMachineOf,
  ReplicaOutput,
  ReplicaParameters,
  View,
} from '../protocol/replica.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { MemoryOperation } from '../wire/memory-messages.ts'
import type {
  ReplicaLinkMessage,
  ReplicaMessage,
  ReplicaOperation,
  ReplicatedOperation,
  ReplicatedStore,
} from '../wire/replica-messages.ts'
import { CallOrder } from './call-order.ts'
import { complaintOf } from './complaint.ts'
import type { Fed, LockListener, ReplicasHost } from './replicas-host.ts'
import { isReplicated, type StoreRequest, type Stores } from './stores.ts'

type Input = ReplicaInput<ReplicaOperation, ReplicaMessage> | LockNews | LeaseOver
type Output = ReplicaOutput<ReplicaMessage> | LockOrder | LockLost
type OpenOperation = Extract<MemoryOperation, readonly ['open', ...unknown[]]>
/** The machine of any store. Its own state, operations and messages are its own affair. */
export type ReplicaMachine = Machine<unknown, Input, Output, ReplicaParameters> &
  Partial<Pick<ReplicaMachineOf<unknown, Input, Output, ReplicaParameters>, 'cells'>>
export type ReplicaMachines = { readonly [Store in ReplicatedStore]?: ReplicaMachine }

interface Hosted {
  readonly store: ReplicatedStore
  readonly machine: ReplicaMachine
  readonly state: unknown
  /** Clients that have asked for something, and routines: only of these it is told the end. */
  readonly clients: Set<number>
  readonly owners: Set<number>
  /** What became last of each lock since the machine's last input. */
  readonly lockNews: Map<string, LockFact>
}

interface LockFact {
  readonly isHeld: boolean
  readonly token: number
}

/** A call that has no answer yet. */
interface OpenCall {
  readonly hosted: Hosted
  /** It may be given up; any other has its answer on the way. */
  readonly waits: boolean
}

export class Replicas implements Stores, LockListener {
  readonly #host: ReplicasHost
  readonly #behind: Stores
  readonly #hosted = new Map<string, Hosted>()
  readonly #open = new Map<number, Map<number, OpenCall>>()
  readonly #order = new CallOrder()
  /** Requests that had to wait for an earlier call, and need to no more. */
  readonly #freed: StoreRequest[] = []
  /** What came before the first lease, in its order. */
  #early: [Hosted, Fed<Input>][] = []
  readonly #inputs: [Hosted, Fed<Input>][] = []
  #isTaking = false
  /** Writes whose thread wants no answer, so far: the machine answers them to the driver. */
  #oneWay = 0
  /** The request that is being taken, while it has no answer. */
  #taken: StoreRequest | undefined

  constructor(
    parameters: ReplicaParameters,
    behind: Stores,
    host: ReplicasHost,
    machines: ReplicaMachines,
  ) {
    this.#behind = behind
    this.#host = host
    for (const [name, machine] of Object.entries(machines)) {
      const store = name as ReplicatedStore
      const state = machine.initial(parameters)
      const hosted = {
        store,
        machine,
        state,
        clients: new Set<number>(),
        owners: new Set<number>(),
        lockNews: new Map<string, LockFact>(),
      }
      this.#hosted.set(store, hosted)
    }
    host.locks.tell(this)
  }

  // What the threads of this node want.

  request(request: StoreRequest): void {
    const { client, owner, operation } = request
    if (operation[0] === 'segment') {
      const segment = this.#host.published.segment(operation[1])
      return this.#host.replies.answer(client, request.call, segment)
    }
    if (operation[0] === 'open' && operation[1] !== 'strict')
      return this.#openObject(request, operation)
    if (!isReplicated(operation)) return this.#behind.request(request)
    const call = request.call === 0 && isWeakWrite(operation) ? --this.#oneWay : request.call
    const hosted = this.#hosted.get(operation[0])
    if (hosted === undefined) {
      if (call !== 0) this.#host.replies.refuse(client, call, recordOf(unknownStore(operation[0])))
      return
    }
    const stale = this.#host.staleFence?.(operation)
    if (stale !== undefined) {
      this.#endSection(hosted, request, operation)
      if (call !== 0) this.#host.replies.refuse(client, call, stale)
      return
    }
    hosted.clients.add(client)
    if (owner !== 0) hosted.owners.add(owner)
    if (this.#order.admits(request)) this.#take(hosted, request, operation, call)
  }

  /** A release that is refused ends its section all the same: nobody could end it later. */
  #endSection(hosted: Hosted, request: StoreRequest, [, asked]: ReplicatedOperation): void {
    const [name, object, token] = asked
    if (name !== 'release') return
    const operation = [name, object, token, [], false, null] as const
    this.#feed(hosted, { ...request, type: 'request', call: 0, operation })
  }

  #take(hosted: Hosted, request: StoreRequest, [, asked]: ReplicatedOperation, call: number): void {
    const { client, owner, thread, blocking } = request
    const expected = call > 0 ? request : undefined
    this.#taken = expected
    this.#feed(hosted, {
      type: 'request',
      client,
      call,
      owner,
      thread,
      blocking,
      operation: asked,
      mayServe: false,
    } as Fed<Input>)
    // One that was neither answered nor parked is answered by a later step all the same.
    if (expected !== undefined && this.#taken === expected) this.#parked(hosted, request)
    this.#taken = undefined
    this.#takeFreed()
  }

  /** What had to wait for an earlier call of its thread. */
  #takeFreed(): void {
    if (this.#isTaking || this.#taken !== undefined) return
    for (;;) {
      const request = this.#freed.shift()
      if (request === undefined || !isReplicated(request.operation)) return
      const hosted = this.#hosted.get(request.operation[0]) as Hosted
      this.#take(hosted, request, request.operation, request.call)
    }
  }

  forget(client: number, call: number, reason: ErrorRecord): void {
    if (this.#order.forget(client, call)) return this.#host.replies.refuse(client, call, reason)
    const open = this.#open.get(client)?.get(call)
    if (open === undefined) return this.#behind.forget(client, call, reason)
    if (!open.waits) return
    this.#close(client, call)
    this.#feed(open.hosted, { type: 'forget', client, call })
    this.#host.replies.refuse(client, call, reason)
  }

  ownerEnded(client: number, owner: number): void {
    for (const hosted of this.#hosted.values()) {
      if (hosted.owners.delete(owner)) this.#feed(hosted, { type: 'ownerEnded', client, owner })
    }
    this.#behind.ownerEnded(client, owner)
  }

  clientLost(client: number): void {
    this.#open.delete(client)
    this.#order.clientLost(client)
    for (const hosted of this.#hosted.values()) {
      if (hosted.clients.delete(client)) this.#feed(hosted, { type: 'clientLost', client })
    }
    this.#behind.clientLost(client)
  }

  // What the other nodes say, and what is said of them.

  /** @throws {GoawayError} if that is nothing a node may say */
  received(from: number, message: ReplicaLinkMessage): void {
    const [, store, inner] = message
    const hosted = this.#hosted.get(store)
    if (hosted === undefined) throw unknownStore(store)
    if (!Array.isArray(inner)) {
      throw new GoawayError('ERR_GOAWAY_PROTOCOL', `A message of ${store} is no list: ${inner}`)
    }
    this.#feed(hosted, { type: 'message', from, message: inner as unknown as ReplicaMessage })
  }

  /** Who is in from now on. */
  view(epoch: number, members: readonly number[]): void {
    const view: View = { epoch, members }
    for (const hosted of this.#hosted.values()) this.#feed(hosted, { type: 'view', view })
  }

  /** This node has its first lease. */
  serving(): void {
    for (const [hosted, input] of this.#early.splice(0)) this.#feed(hosted, input)
  }

  // What the locks of this node tell.

  changed(type: 'lockGranted' | 'lockFreed', lock: string, token: number): void {
    const fact: LockFact = { isHeld: type === 'lockGranted', token }
    for (const hosted of this.#hosted.values()) {
      hosted.lockNews.set(lock, fact)
      if (hosted.lockNews.size > lockNewsMax)
        this.#tellLocks(hosted, this.#host.standing() === 'serving')
    }
  }

  /** This node serves no more: whoever holds an object is to hear of it before the node ends. */
  expired(): void {
    const hosted = this.#hosted.get('update-on-release')
    if (hosted !== undefined) this.#feed(hosted, { type: 'leaseOver' })
  }

  news(news: Fed<LockNews>): void {
    const hosted = this.#hosted.get('update-on-release')
    if (hosted !== undefined) this.#feed(hosted, news)
  }

  #feed(hosted: Hosted, input: Fed<Input>): void {
    this.#inputs.push([hosted, input])
    if (this.#isTaking) return
    this.#isTaking = true
    let at = 0
    try {
      for (; at < this.#inputs.length; at++) {
        const [next, fed] = this.#inputs[at] as [Hosted, Fed<Input>]
        this.#step(next, fed)
      }
    } finally {
      // A machine threw over what a peer said: what came after that is still to be taken.
      if (at < this.#inputs.length) this.#inputs.splice(0, at + 1)
      else this.#inputs.length = 0
      this.#isTaking = false
    }
    this.#takeFreed()
  }

  #step(hosted: Hosted, input: Fed<Input>): void {
    const standing = this.#host.standing()
    if (standing === 'waiting') {
      this.#early.push([hosted, input])
      return
    }
    const mayServe = standing === 'serving'
    if (hosted.lockNews.size > 0)
      this.#tellLocks(hosted, mayServe)
      // Nobody else has it yet, and there are too many to make each anew.
    ;(input as { mayServe?: boolean }).mayServe = mayServe
    const outputs = hosted.machine.step(hosted.state, input as Input)
    this.#show(hosted.store, outputs)
    for (const output of outputs) this.#perform(hosted, output)
  }

  #show(store: ReplicatedStore, outputs: readonly Output[]): void {
    if (!outputs.some(({ type }) => type === 'cell')) return
    const changes = outputs.filter((output) => output.type === 'cell')
    this.#host.published.show(store, changes)
  }

  /** Machines order nothing at this: they only remember it. */
  #tellLocks({ machine, state, lockNews }: Hosted, mayServe: boolean): void {
    for (const [lock, { isHeld, token }] of lockNews) {
      // Of one that is free by now they may not have heard that it was held.
      machine.step(state, { type: 'lockGranted', lock, token, mayServe } as Input)
      if (!isHeld) machine.step(state, { type: 'lockFreed', lock, token, mayServe } as Input)
    }
    lockNews.clear()
  }

  #perform(hosted: Hosted, output: Output): void {
    switch (output.type) {
      case 'send':
        return this.#host.send(output.to, ['store', hosted.store, output.message])
      case 'answer':
        if (output.call < 0) return this.#host.taken(output.client, hosted.store)
        if (!this.#settle(output.client, output.call)) return
        return this.#host.replies.answer(output.client, output.call, output.answer)
      case 'refuse': {
        const error = complaintOf(output, this.#host)
        if (output.call < 0) return this.#host.taken(output.client, hosted.store, error)
        if (!this.#settle(output.client, output.call)) return
        return this.#host.replies.refuse(output.client, output.call, error)
      }
      case 'parked': {
        const taken = this.#taken
        if (taken?.client !== output.client || taken.call !== output.call) return
        this.#taken = undefined
        return this.#parked(hosted, taken)
      }
      case 'cell':
        // Shown before anything else was done.
        return
      case 'lockLost': {
        const { client, lock, token } = output
        return this.#host.replies.lockLost(client, lock, token, complaintOf(output, this.#host))
      }
      default:
        return this.#host.locks.order(output)
    }
  }

  /** A thread is to read the object by itself from now on. */
  #openObject(request: StoreRequest, operation: OpenOperation): void {
    const { client, call } = request
    const { replies, published } = this.#host
    const { machine, state } = this.#hosted.get(operation[1]) ?? {}
    const cells = machine?.cells
    if (cells === undefined) return replies.answer(client, call, 0)
    const isServing = this.#host.standing() === 'serving'
    const rows = () => (isServing ? cells(state, operation[2]) : null)
    replies.answer(client, call, published.open(operation, rows))
  }

  #parked(hosted: Hosted, request: StoreRequest): void {
    const { client, call } = request
    const waits = isReplicated(request.operation) && waiting.has(request.operation[1][0])
    let calls = this.#open.get(client)
    if (calls === undefined) {
      calls = new Map()
      this.#open.set(client, calls)
    }
    calls.set(call, { hosted, waits })
    if (waits) this.#host.replies.parked(request)
  }

  /** Whether that call was open until now. */
  #settle(client: number, call: number): boolean {
    this.#freed.push(...this.#order.settled(client, call))
    const taken = this.#taken
    if (taken?.client === client && taken.call === call) {
      this.#taken = undefined
      return true
    }
    return this.#close(client, call)
  }

  #close(client: number, call: number): boolean {
    const calls = this.#open.get(client)
    if (calls?.delete(call) !== true) return false
    if (calls.size === 0) this.#open.delete(client)
    return true
  }
}

/**
 * Operations that wait for what others do, and change nothing: they count as waiting, and may be
 * given up. All others are answered as soon as the nodes that take part have heard of them.
 */
const waiting: ReadonlySet<string> = new Set(['wait', 'acquire', 'sync', 'fence'])

/** It shows at once, and so a thread need not wait for it. */
function isWeakWrite([store, [name]]: ReplicatedOperation): boolean {
  return store.startsWith('weak') && (name === 'set' || name === 'delete')
}

function unknownStore(store: string): GoawayError {
  return new GoawayError('ERR_GOAWAY_PROTOCOL', `A store of the name ${store} is not known`)
}
