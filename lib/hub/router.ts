/**
 * Which node serves an object or a lock. It is fixed for the whole application: what a lost node
 * served is lost for ever, also if the node comes back.
 */
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

  constructor(options: RouterOptions, own: Stores, replies: StoreReplies) {
    this.#options = options
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
    const index = this.indexOf(request.operation[1])
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
    return placement === 'first' || nodes === 1 ? 1 : rendezvous(name, nodes)
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

/**
 * Highest random weight (Thaler and Ravishankar, 1998): each name is spread evenly, and all nodes
 * agree without asking.
 */
function rendezvous(name: string, nodes: number): number {
  let best = 1
  let bestWeight = -1
  const seed = hash(name, 0x811c9dc5)
  for (let index = 1; index <= nodes; index++) {
    const weight = mix(seed ^ Math.imul(index, 0x9e3779b1))
    if (weight > bestWeight) {
      best = index
      bestWeight = weight
    }
  }
  return best
}

/** FNV-1a over UTF-16 units. */
function hash(text: string, seed: number): number {
  let value = seed
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  }
  return value
}

/** The finalizer of MurmurHash3: every bit of the input moves every bit of the output. */
function mix(value: number): number {
  let bits = value ^ (value >>> 16)
  bits = Math.imul(bits, 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
