/**
 * Objects and locks that another node serves, and the service for other nodes' clients. Both are
 * parts of a {@link Peer}, which hands them their messages.
 */
import { errorOf, recordOf } from '../client/error-codec.ts'
import type { Clock } from '../clock.ts'
import { GoawayError } from '../errors.ts'
import { clientsPerNode, repliesUntoldMax } from '../limits.ts'
import { type OnceReply, once } from '../protocol/once.ts'
import type { Link } from '../transport/contract.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { Answer, SessionMessage, StoreMessage } from '../wire/messages.ts'
import { RemoteLocks, ServedSession, sessionOver } from './lock-sessions.ts'
import { isAcquisition } from './operations.ts'
import type { ClientReplies, LockStores, OwnStores, StoreReplies, StoreRequest } from './stores.ts'

/** What one client of this node has under way at another. */
interface RemoteClient {
  /** Requests without an answer: refused when the node is lost. */
  readonly calls: Map<number, StoreRequest>
  /** Replies taken, and those of them that the node has been told of. */
  taken: number
  told: number
}

/** What both ends of a link need. */
export interface LinkStoresParts {
  readonly link: Link
  /** Name and place of the node at the other end. */
  readonly node: string
  readonly place: number
  readonly sessionMs: number
  readonly clock: Clock
  readonly replies: ClientReplies
  /** The stores of this node. */
  readonly stores: OwnStores
  turn(): void
}

/** Stores at the other end of a link. */
export class RemoteStores implements LockStores {
  readonly #link: Link
  readonly #node: string
  readonly #replies: ClientReplies
  readonly #locks: RemoteLocks
  readonly #clients = new Map<number, RemoteClient>()
  /** Routines that may hold locks there, or wait for them: only of these it is told the end. */
  readonly #owners = new Set<number>()
  #over = false

  constructor({ link, node, sessionMs, clock, replies, turn }: LinkStoresParts) {
    this.#link = link
    this.#node = node
    this.#replies = replies
    const lockLost = replies.lockLost.bind(replies)
    this.#locks = new RemoteLocks({ link, node, sessionMs, clock, host: { lockLost, turn } })
  }

  request(asked: StoreRequest): void {
    const { client, call, owner, thread, blocking, operation } = asked
    if (this.#over) {
      if (call !== 0) this.#replies.refuse(client, call, masterLost(this.#node, false))
      return
    }
    const acquires = isAcquisition(operation)
    if (owner !== 0 && acquires) this.#owners.add(owner)
    if (operation[0] === 'release') this.#locks.released(operation[1], operation[2])
    const session = acquires ? this.#locks.asked() : 0
    let asking = this.#clients.get(client)
    if (asking === undefined) {
      asking = { calls: new Map(), taken: 0, told: 0 }
      this.#clients.set(client, asking)
    }
    if (call !== 0) asking.calls.set(call, acquires ? { ...asked, session } : asked)
    const ackUpTo = asking.taken
    asking.told = ackUpTo
    const request = ['request', client, call, owner, thread, blocking, operation, ackUpTo] as const
    this.#link.send(acquires ? [...request, session] : request)
  }

  forget(client: number, call: number, reason: ErrorRecord): void {
    if (this.#clients.get(client)?.calls.has(call)) this.#link.send(['cease', client, call, reason])
  }

  ownerEnded(client: number, owner: number): void {
    if (!this.#owners.delete(owner)) return
    this.#locks.ownerEnded(client, owner)
    this.#link.send(['over', client, owner])
  }

  clientLost(client: number): void {
    this.#clients.delete(client)
    this.#locks.clientLost(client)
    this.#link.send(['gone', client])
  }

  /** Whether the lock is held by that token, as far as this node can know now. */
  holds(lock: string, token: number): boolean {
    return this.#locks.holds(lock, token)
  }

  received(message: StoreMessage | SessionMessage): void {
    switch (message[0]) {
      case 'reply': {
        const [, client, call, answer] = message
        const request = this.#settle(client, call)
        if (request === undefined) return
        if (this.#mayHave(request, answer)) return this.#replies.answer(client, call, answer)
        const over = sessionOver(String(request.operation[1]), this.#node)
        return this.#replies.refuse(client, call, over)
      }
      case 'refusal':
        if (this.#settle(message[1], message[2]) !== undefined) {
          this.#replies.refuse(message[1], message[2], message[3])
        }
        return
      case 'waiting':
        return this.#parked(message[1], message[2])
      case 'kept':
      case 'ended':
        return this.#locks.received(message)
    }
  }

  /** Whether what was answered is worth what it says: a lock may have passed on meanwhile. */
  #mayHave(request: StoreRequest, token: Answer): boolean {
    const { client, owner, operation, session = 0 } = request
    if (!isAcquisition(operation) || typeof token !== 'number' || token === 0) return true
    // Of a routine that has ended the master is told, and has it back.
    if (owner !== 0 && !this.#owners.has(owner)) return true
    return this.#locks.granted({ lock: operation[1], token, client, owner }, session)
  }

  #parked(client: number, call: number): void {
    const request = this.#clients.get(client)?.calls.get(call)
    if (request !== undefined) this.#replies.parked(request)
  }

  #settle(client: number, call: number): StoreRequest | undefined {
    const asking = this.#clients.get(client)
    const request = asking?.calls.get(call)
    // A reply to a call that was repeated may come twice.
    if (asking === undefined || request === undefined) return undefined
    asking.calls.delete(call)
    asking.taken += 1
    if (asking.taken - asking.told >= repliesUntoldMax) {
      asking.told = asking.taken
      this.#link.send(['acknowledge', client, asking.taken])
    }
    return request
  }

  /** This hub ends, and with it whoever could be told of anything. */
  close(): void {
    this.#locks.close()
  }

  /** The locks of this node's clients pass on, or do so soon. */
  locksLost(reason: GoawayError): void {
    this.#locks.lost(reason)
  }

  /** Nothing comes of the node any more, though it may be alive. */
  linkLost(error: Error | undefined): void {
    const text = `The link to ${this.#node}, which serves this lock, is over`
    const details = { cause: error, node: this.#node }
    this.#locks.lost(new GoawayError('ERR_GOAWAY_LINK_LOST', text, details))
  }

  /** The node is lost, and what it served with it. */
  lost(): void {
    this.#over = true
    this.#locks.lost(errorOf(masterLost(this.#node, false)) as GoawayError)
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
  readonly #node: string
  readonly #place: number
  readonly #stores: OwnStores
  readonly #session: ServedSession
  readonly #once = once.initial()

  constructor({ link, node, place, stores, sessionMs, clock, turn }: LinkStoresParts) {
    this.#link = link
    this.#node = node
    this.#place = place
    this.#stores = stores
    const ended = (session: number): void => stores.sessionEnded([...this.#clients], session)
    this.#session = new ServedSession({ link, sessionMs, clock, turn, ended })
    this.replies = {
      answer: (client, call, answer) => this.#complete(['reply', client, call, answer]),
      refuse: (client, call, error) => this.#complete(['refusal', client, call, error]),
      parked: ({ client, call }) => link.send(['waiting', client, call]),
    }
  }

  received(message: StoreMessage | SessionMessage): void {
    switch (message[0]) {
      case 'keep':
      case 'part':
        return this.#session.received(message)
      case 'request':
        return this.#request(message)
      case 'acknowledge': {
        const [type, client, ackUpTo] = message
        once.step(this.#once, { type, client, ackUpTo })
        return
      }
      case 'cease':
        return this.#stores.forget(this.#own(message[1]), message[2], message[3])
      case 'over':
        return this.#stores.ownerEnded(this.#own(message[1]), message[2])
      case 'gone':
        this.#clients.delete(this.#own(message[1]))
        once.step(this.#once, { type: 'clientLost', client: message[1] })
        return this.#stores.clientLost(message[1])
    }
  }

  #request(message: Extract<StoreMessage, readonly ['request', ...unknown[]]>): void {
    const [type, client, call, owner, thread, blocking, operation, ackUpTo, session] = message
    this.#clients.add(this.#own(client))
    for (const output of once.step(this.#once, { type, client, call, ackUpTo })) {
      switch (output.type) {
        case 'execute':
          this.#execute({ client, call, owner, thread, blocking, operation }, session)
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

  /** @throws {TypeError} where one node speaks for the threads of another */
  #own(client: number): number {
    if (Math.floor(client / clientsPerNode) === this.#place) return client
    throw new TypeError(`client ${client} is none of place ${this.#place}`)
  }

  /** Locks are had under a session alone: else one that is lost could never be told of it. */
  #execute(request: StoreRequest, session = 0): void {
    const { client, call, operation } = request
    if (!isAcquisition(operation)) return this.#stores.request(request)
    if (this.#session.admits(session)) return this.#stores.request({ ...request, session })
    if (call !== 0) this.replies.refuse(client, call, sessionOver(operation[1], this.#node))
  }

  #complete(reply: OnceReply): void {
    once.step(this.#once, { type: 'completed', client: reply[1], call: reply[2], reply })
    this.#link.send(reply)
  }

  /** This hub ends, and nobody's session is any of its business. */
  close(): void {
    this.#session.close()
  }

  /** The node is lost: its locks pass on. */
  lost(): void {
    this.#session.close()
    for (const client of this.#clients) this.#stores.clientLost(client)
    this.#clients.clear()
  }
}
