/**
 * Which node serves an object or a lock. It is fixed for the whole application: what a lost node
 * served is lost for ever, also if the node comes back.
 */
import { recordOf } from '../client/error-codec.ts'
import { GoawayError } from '../errors.ts'
import { rendezvous } from '../protocol/rendezvous.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { Operation } from '../wire/messages.ts'
import { masterLost } from './link-stores.ts'
import { fencesIn, isAcquisition } from './operations.ts'
import type { LockStores, StoreReplies, StoreRequest, Stores } from './stores.ts'

export interface RouterOptions {
  /** This node's number in the cluster file; 0: it serves no objects. */
  readonly index: number
  /** Nodes in the cluster file. */
  readonly nodes: number
  readonly placement: 'first' | 'hash'
}

export class Router implements Stores {
  readonly #options: RouterOptions
  readonly #own: LockStores
  readonly #replies: StoreReplies
  readonly #mayServe: () => boolean
  /** Stores at other nodes by index: those of the first node that was there. */
  readonly #remotes = new Map<number, LockStores>()
  readonly #lost = new Map<number, string>()
  readonly #indices: readonly number[]

  /** @param mayServe whether this node belongs to its cluster, by its clocks as they are now */
  constructor(
    options: RouterOptions,
    own: LockStores,
    replies: StoreReplies,
    mayServe: () => boolean,
  ) {
    this.#options = options
    this.#indices = Array.from({ length: options.nodes }, (_, at) => at + 1)
    this.#own = own
    this.#replies = replies
    this.#mayServe = mayServe
  }

  /** A node is there. One that comes back serves nothing. */
  add(index: number, stores: LockStores): void {
    if (!this.#remotes.has(index) && !this.#lost.has(index)) this.#remotes.set(index, stores)
  }

  lose(index: number, node: string): void {
    if (!this.#lost.has(index)) this.#lost.set(index, node)
  }

  request(request: StoreRequest): void {
    const stale = this.refusalOf(request.operation)
    if (stale !== undefined) {
      if (request.call !== 0) this.#replies.refuse(request.client, request.call, stale)
      return
    }
    if (request.operation[0] === 'open') return this.#open(request, request.operation[2])
    // Those of replicated stores have gone another way: what comes here has a name.
    const index = this.indexOf(request.operation[1] as string)
    if (index === this.#options.index) return this.#own.request(request)
    const lost = this.#lost.get(index)
    const remote = this.#remotes.get(index)
    if (lost === undefined && remote !== undefined) return remote.request(request)
    const { client, call } = request
    if (call === 0) return
    this.#replies.refuse(client, call, masterLost(lost ?? `number ${index}`, false))
  }

  /** Only what is served here can be read without a message. */
  #open(request: StoreRequest, object: string): void {
    if (this.indexOf(object) === this.#options.index) return this.#own.request(request)
    this.#replies.answer(request.client, request.call, 0)
  }

  /**
   * Why nobody is asked: what was granted to a client of this node may have passed on while the
   * process stood still. The store that is written to may not know yet.
   */
  refusalOf(operation: Operation): ErrorRecord | undefined {
    const fences = fencesIn(operation)
    if (fences === null && !isAcquisition(operation)) return undefined
    if (!this.#mayServe()) return notAMember(operation)
    const stale = fences?.find(([lock, token]) => !this.#holds(lock, token))
    return stale && recordOf(staleToken(stale[0], stale[1]))
  }

  #holds(lock: string, token: number): boolean {
    const index = this.indexOf(lock)
    const stores = index === this.#options.index ? this.#own : this.#remotes.get(index)
    return stores?.holds(lock, token) === true
  }

  /** Number of the node that serves what has this name. */
  indexOf(name: string): number {
    const { nodes, placement } = this.#options
    return placement === 'first' || nodes === 1 ? 1 : rendezvous(name, this.#indices)
  }

  forget(client: number, call: number, reason: ErrorRecord): void {
    this.#own.forget(client, call, reason)
    for (const remote of this.#remotes.values()) remote.forget(client, call, reason)
  }

  ownerEnded(client: number, owner: number): void {
    this.#own.ownerEnded(client, owner)
    for (const remote of this.#remotes.values()) remote.ownerEnded(client, owner)
  }

  clientLost(client: number): void {
    this.#own.clientLost(client)
    for (const remote of this.#remotes.values()) remote.clientLost(client)
  }
}

export function staleToken(lock: string, token: number): GoawayError {
  const text = `write under lock ${JSON.stringify(lock)} with token ${token}: it is lost or over`
  return new GoawayError('ERR_GOAWAY_STALE_TOKEN', text)
}

function notAMember(operation: Operation): ErrorRecord {
  const what = `${operation[0]} ${JSON.stringify(operation[1])}`
  const code = isAcquisition(operation) ? 'ERR_GOAWAY_NODE_LOST' : 'ERR_GOAWAY_STALE_TOKEN'
  return recordOf(new GoawayError(code, `${what}: this node is no longer part of its cluster`))
}
