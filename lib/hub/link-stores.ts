/** Objects and locks that another node serves, and the service for other nodes' clients. */
import { recordOf } from '../client/error-codec.ts'
import { GoawayError } from '../errors.ts'
import type { Link, LinkEnd, LinkListener } from '../transport/contract.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { LinkMessage } from '../wire/messages.ts'
import type { StoreReplies, StoreRequest, Stores } from './stores.ts'

/** Stores at the other end of a link. */
export class RemoteStores implements Stores, LinkListener {
  readonly #link: Link
  readonly #replies: StoreReplies
  readonly #turn: () => void
  /** Requests without an answer, by client and call: refused when the link ends. */
  readonly #open = new Map<number, Map<number, StoreRequest>>()
  #over = false

  constructor(end: LinkEnd, replies: StoreReplies, turn: () => void) {
    this.#replies = replies
    this.#turn = turn
    this.#link = end.open(this)
  }

  request(request: StoreRequest): void {
    const { client, call, owner, thread, blocking, operation } = request
    if (this.#over) {
      if (call !== 0) this.#replies.refuse(client, call, masterLost(false))
      return
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
    this.#link.send(['over', client, owner])
  }

  clientLost(client: number): void {
    this.#open.delete(client)
    this.#link.send(['gone', client])
  }

  flush(): void {
    this.#link.flush()
  }

  close(): void {
    this.#link.close()
  }

  received(messages: readonly LinkMessage[]): void {
    for (const message of messages) this.#take(message)
    this.#turn()
  }

  #take(message: LinkMessage): void {
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

  closed(): void {
    this.#over = true
    const open = [...this.#open]
    this.#open.clear()
    for (const [client, calls] of open) {
      for (const call of calls.keys()) this.#replies.refuse(client, call, masterLost(true))
    }
    this.#turn()
  }
}

function masterLost(maybeExecuted: boolean): ErrorRecord {
  return recordOf(
    new GoawayError(
      'ERR_GOAWAY_MASTER_LOST',
      'The node that serves this object or lock is gone, and what it held with it',
      { maybeExecuted },
    ),
  )
}

/** Serves the clients at the other end of a link. */
export class LinkServer implements LinkListener {
  readonly replies: StoreReplies
  readonly #link: Link
  readonly #clients = new Set<number>()
  readonly #stores: Stores
  readonly #turn: () => void
  readonly #gone: (server: LinkServer) => void

  constructor(end: LinkEnd, stores: Stores, turn: () => void, gone: (server: LinkServer) => void) {
    this.#stores = stores
    this.#turn = turn
    this.#gone = gone
    const link = end.open(this)
    this.#link = link
    this.replies = {
      answer: (client, call, answer) => link.send(['reply', client, call, answer]),
      refuse: (client, call, error) => link.send(['refusal', client, call, error]),
      parked: ({ client, call }) => link.send(['waiting', client, call]),
    }
  }

  serves(client: number): boolean {
    return this.#clients.has(client)
  }

  received(messages: readonly LinkMessage[]): void {
    for (const message of messages) this.#take(message)
    this.#turn()
  }

  #take(message: LinkMessage): void {
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

  flush(): void {
    this.#link.flush()
  }

  close(): void {
    this.#link.close()
  }

  closed(): void {
    for (const client of this.#clients) this.#stores.clientLost(client)
    this.#clients.clear()
    this.#gone(this)
    this.#turn()
  }
}
