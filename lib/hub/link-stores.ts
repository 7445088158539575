/**
 * Objects and locks that another node serves, and the service for other nodes' clients. Both are
 * parts of a {@link Peer}, which hands them their messages.
 */
import { recordOf } from '../client/error-codec.ts'
import { GoawayError } from '../errors.ts'
import { repliesUntoldMax } from '../limits.ts'
import { type OnceReply, once } from '../protocol/once.ts'
import type { Link } from '../transport/contract.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { StoreMessage } from '../wire/messages.ts'
import type { StoreReplies, StoreRequest, Stores } from './stores.ts'

/** What one client of this node has under way at another. */
interface RemoteClient {
  /** Requests without an answer: refused when the node is lost. */
  readonly calls: Map<number, StoreRequest>
  /** Replies taken, and those of them that the node has been told of. */
  taken: number
  told: number
}

/** Stores at the other end of a link. */
export class RemoteStores implements Stores {
  readonly #link: Link
  readonly #node: string
  readonly #replies: StoreReplies
  readonly #clients = new Map<number, RemoteClient>()
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
    let asking = this.#clients.get(client)
    if (asking === undefined) {
      asking = { calls: new Map(), taken: 0, told: 0 }
      this.#clients.set(client, asking)
    }
    if (call !== 0) asking.calls.set(call, request)
    const ackUpTo = asking.taken
    asking.told = ackUpTo
    this.#link.send(['request', client, call, owner, thread, blocking, operation, ackUpTo])
  }

  forget(client: number, call: number, reason: ErrorRecord): void {
    if (this.#clients.get(client)?.calls.has(call)) this.#link.send(['cease', client, call, reason])
  }

  ownerEnded(client: number, owner: number): void {
    if (this.#owners.delete(owner)) this.#link.send(['over', client, owner])
  }

  clientLost(client: number): void {
    this.#clients.delete(client)
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
    const request = this.#clients.get(client)?.calls.get(call)
    if (request !== undefined) this.#replies.parked(request)
  }

  #settle(client: number, call: number): boolean {
    const asking = this.#clients.get(client)
    // A reply to a call that was repeated may come twice.
    if (asking?.calls.delete(call) !== true) return false
    asking.taken += 1
    if (asking.taken - asking.told >= repliesUntoldMax) {
      asking.told = asking.taken
      this.#link.send(['acknowledge', client, asking.taken])
    }
    return true
  }

  /** The node is lost, and what it served with it. */
  lost(): void {
    this.#over = true
    const open = [...this.#clients]
    this.#clients.clear()
    for (const [client, { calls }] of open) {
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

/** Serves the clients at the other end of a link, each call of theirs at most once. */
export class LinkServer {
  readonly replies: StoreReplies
  readonly #clients = new Set<number>()
  readonly #link: Link
  readonly #stores: Stores
  readonly #once = once.initial()

  constructor(link: Link, stores: Stores) {
    this.#link = link
    this.#stores = stores
    this.replies = {
      answer: (client, call, answer) => this.#complete(['reply', client, call, answer]),
      refuse: (client, call, error) => this.#complete(['refusal', client, call, error]),
      parked: ({ client, call }) => link.send(['waiting', client, call]),
    }
  }

  received(message: StoreMessage): void {
    switch (message[0]) {
      case 'request':
        return this.#request(message)
      case 'acknowledge': {
        const [type, client, ackUpTo] = message
        once.step(this.#once, { type, client, ackUpTo })
        return
      }
      case 'cease':
        return this.#stores.forget(message[1], message[2], message[3])
      case 'over':
        return this.#stores.ownerEnded(message[1], message[2])
      case 'gone':
        this.#clients.delete(message[1])
        once.step(this.#once, { type: 'clientLost', client: message[1] })
        return this.#stores.clientLost(message[1])
    }
  }

  #request(message: Extract<StoreMessage, readonly ['request', ...unknown[]]>): void {
    const [type, client, call, owner, thread, blocking, operation, ackUpTo] = message
    this.#clients.add(client)
    for (const output of once.step(this.#once, { type, client, call, ackUpTo })) {
      switch (output.type) {
        case 'execute':
          this.#stores.request({ client, call, owner, thread, blocking, operation })
          break
        case 'answer':
          this.#link.send(output.reply)
          break
        case 'attach':
          break
        case 'refuse': {
          const error = recordOf(new GoawayError(output.code, output.message))
          this.#link.send(['refusal', client, call, error])
        }
      }
    }
  }

  #complete(reply: OnceReply): void {
    once.step(this.#once, { type: 'completed', client: reply[1], call: reply[2], reply })
    this.#link.send(reply)
  }

  /** The node is lost: its locks pass on. */
  lost(): void {
    for (const client of this.#clients) this.#stores.clientLost(client)
    this.#clients.clear()
  }
}
