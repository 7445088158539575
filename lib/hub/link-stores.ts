/**
 * Objects and locks that another node serves, and the service for other nodes' clients. Both are
 * parts of a {@link Peer}, which hands them their messages.
 */
import { recordOf } from '../client/error-codec.ts'
import { GoawayError } from '../errors.ts'
import type { Link } from '../transport/contract.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { StoreMessage } from '../wire/messages.ts'
import type { StoreReplies, StoreRequest, Stores } from './stores.ts'

/** Stores at the other end of a link. */
export class RemoteStores implements Stores {
  readonly #link: Link
  readonly #node: string
  readonly #replies: StoreReplies
  /** Requests without an answer, by client and call: refused when the node is lost. */
  readonly #open = new Map<number, Map<number, StoreRequest>>()
  /** Routines that may hold locks there, or wait for them: only of these it is told the end. */
  readonly #owners = new Set<number>()
  #over = false

  constructor(link: Link, node: string, replies: StoreReplies) {
    this.#link = link
    this.#node = node
    this.#replies = replies
  }

  request(request: StoreRequest): void {
    const { client, call, owner, thread, blocking, operation } = request
    if (this.#over) {
      if (call !== 0) this.#replies.refuse(client, call, masterLost(this.#node, false))
      return
    }
    if (owner !== 0 && (operation[0] === 'acquire' || operation[0] === 'tryAcquire')) {
      this.#owners.add(owner)
    }
    if (call !== 0) {
      const calls = this.#open.get(client) ?? new Map<number, StoreRequest>()
      this.#open.set(client, calls.set(call, request))
    }
    this.#link.send(['request', client, call, owner, thread, blocking, operation])
  }

  forget(client: number, call: number, reason: ErrorRecord): void {
    if (this.#open.get(client)?.has(call)) this.#link.send(['cease', client, call, reason])
  }

  ownerEnded(client: number, owner: number): void {
    if (this.#owners.delete(owner)) this.#link.send(['over', client, owner])
  }

  clientLost(client: number): void {
    this.#open.delete(client)
    this.#link.send(['gone', client])
  }

  received(message: StoreMessage): void {
    switch (message[0]) {
      case 'reply':
        if (this.#settle(message[1], message[2])) {
          this.#replies.answer(message[1], message[2], message[3])
        }
        return
      case 'refusal':
        if (this.#settle(message[1], message[2])) {
          this.#replies.refuse(message[1], message[2], message[3])
        }
        return
      case 'waiting':
        return this.#parked(message[1], message[2])
    }
  }

  #parked(client: number, call: number): void {
    const request = this.#open.get(client)?.get(call)
    if (request !== undefined) this.#replies.parked(request)
  }

  #settle(client: number, call: number): boolean {
    return this.#open.get(client)?.delete(call) === true
  }

  /** The node is lost, and what it served with it. */
  lost(): void {
    this.#over = true
    const open = [...this.#open]
    this.#open.clear()
    for (const [client, calls] of open) {
      for (const call of calls.keys()) {
        this.#replies.refuse(client, call, masterLost(this.#node, true))
      }
    }
  }
}

export function masterLost(node: string, maybeExecuted: boolean): ErrorRecord {
  return recordOf(
    new GoawayError(
      'ERR_GOAWAY_MASTER_LOST',
      `The node that serves this object or lock, ${node}, is gone, and what it held with it`,
      { maybeExecuted, node },
    ),
  )
}

/** Serves the clients at the other end of a link. */
export class LinkServer {
  readonly replies: StoreReplies
  readonly #clients = new Set<number>()
  readonly #stores: Stores

  constructor(link: Link, stores: Stores) {
    this.#stores = stores
    this.replies = {
      answer: (client, call, answer) => link.send(['reply', client, call, answer]),
      refuse: (client, call, error) => link.send(['refusal', client, call, error]),
      parked: ({ client, call }) => link.send(['waiting', client, call]),
    }
  }

  received(message: StoreMessage): void {
    switch (message[0]) {
      case 'request': {
        const [, client, call, owner, thread, blocking, operation] = message
        this.#clients.add(client)
        return this.#stores.request({ client, call, owner, thread, blocking, operation })
      }
      case 'cease':
        return this.#stores.forget(message[1], message[2], message[3])
      case 'over':
        return this.#stores.ownerEnded(message[1], message[2])
      case 'gone':
        this.#clients.delete(message[1])
        return this.#stores.clientLost(message[1])
    }
  }

  /** The node is lost: its locks pass on. */
  lost(): void {
    for (const client of this.#clients) this.#stores.clientLost(client)
    this.#clients.clear()
  }
}
