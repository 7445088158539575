/**
 * Which node serves an object or a lock. It is fixed for the whole application: what a lost node
 * served is lost for ever, also if the node comes back.
 */
import { rendezvous } from '../protocol/rendezvous.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import { masterLost } from './link-stores.ts'
import type { StoreReplies, StoreRequest, Stores } from './stores.ts'

export interface RouterOptions {
  /** This node's number in the cluster file; 0: it serves no objects. */
  readonly index: number
  /** Nodes in the cluster file. */
  readonly nodes: number
  readonly placement: 'first' | 'hash'
}

export class Router implements Stores {
  readonly #options: RouterOptions
  readonly #own: Stores
  readonly #replies: StoreReplies
  /** Stores at other nodes by index: those of the first node that was there. */
  readonly #remotes = new Map<number, Stores>()
  readonly #lost = new Map<number, string>()
  readonly #indices: readonly number[]

  constructor(options: RouterOptions, own: Stores, replies: StoreReplies) {
    this.#options = options
    this.#indices = Array.from({ length: options.nodes }, (_, at) => at + 1)
    this.#own = own
    this.#replies = replies
  }

  /** A node is there. One that comes back serves nothing. */
  add(index: number, stores: Stores): void {
    if (!this.#remotes.has(index) && !this.#lost.has(index)) this.#remotes.set(index, stores)
  }

  lose(index: number, node: string): void {
    if (!this.#lost.has(index)) this.#lost.set(index, node)
  }

  request(request: StoreRequest): void {
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
