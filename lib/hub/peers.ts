/**
 * The other nodes, by place: who is reached over which link, and what is served where. Who belongs
 * to the cluster is decided elsewhere, and told to {@link Peers.add} and {@link Peers.remove}.
 */
import { recordOf } from '../client/error-codec.ts'
import { type Clock, realClock } from '../clock.ts'
import type { GoawayError } from '../errors.ts'
import { clientsPerNode, routinesPerClient, sessionMsDefault } from '../limits.ts'
import { isObjectLock } from '../protocol/lock-state.ts'
import type { Standing } from '../protocol/membership-node.ts'
import type { LinkEnd } from '../transport/contract.ts'
import type {
  Member,
  MembershipMessage,
  RemoteRoutineMessage,
  SetupMessage,
} from '../wire/messages.ts'
import type { ReplicaLinkMessage } from '../wire/replica-messages.ts'
import type { Traffic } from './counted-link.ts'
import { Peer, type PeerHost } from './peer.ts'
import type { Refs } from './refs.ts'
import { Router, type RouterOptions } from './router.ts'
import type { ClientReplies, OwnStores } from './stores.ts'

/** What the cluster's driver hears of the links. */
export interface PeersDriver {
  /** How this node stands in its cluster, as far as it can know. */
  standing(): Standing
  membership(peer: Peer, message: MembershipMessage): void
  setup(peer: Peer, message: SetupMessage): void
  linkOver(peer: Peer, error: Error | undefined): void
}

/** Whoever runs routines for other nodes and has other nodes run routines. */
export interface RoutinePeers {
  joined(peer: Peer): void
  received(peer: Peer, message: RemoteRoutineMessage): void
  lost(peer: Peer): void
}

/** Whoever has replicas, and hears of the others'. */
export interface ReplicaPeers {
  received(from: number, message: ReplicaLinkMessage): void
  view(epoch: number, places: readonly number[]): void
  serving(): void
  expired(): void
}

export interface PeersOptions extends RouterOptions {
  readonly place: number
  /** @default sessionMsDefault */
  readonly sessionMs?: number
}

/** Without a cluster. */
export const alone: PeersOptions = { place: 0, index: 1, nodes: 1, placement: 'first' }

export class Peers {
  readonly place: number
  readonly router: Router
  driver: PeersDriver
  routines: RoutinePeers | undefined
  replicas: ReplicaPeers | undefined
  /** What goes along with routines. */
  refs: Refs | undefined
  readonly #byPlace = new Map<number, Peer>()
  /** Also of those that are gone: whose loss it was has to be told. */
  readonly #names = new Map<number, string>()
  readonly #host: PeerHost
  readonly #own: OwnStores
  readonly #founders: number
  /** Of links that are over. */
  #formerly: Traffic = { messagesSent: 0, bytesSent: 0 }

  constructor(
    options: PeersOptions,
    own: OwnStores,
    replies: ClientReplies,
    turn: () => void,
    clock: Clock = realClock,
  ) {
    this.place = options.place
    const mayServe = (): boolean => this.driver.standing() !== 'expired'
    this.#founders = options.nodes
    // One that has come back serves nothing, also not to itself.
    const index = this.#isFounder(options) ? options.index : 0
    this.router = new Router({ ...options, index }, own, replies, mayServe)
    this.#own = own
    this.driver = {
      standing: () => 'serving',
      membership: () => {},
      setup: () => {},
      linkOver: (peer) => this.remove(peer.member.place),
    }
    this.#host = {
      // What it asks for is served here, or by nobody.
      stores: own,
      replies,
      sessionMs: options.sessionMs ?? sessionMsDefault,
      clock,
      turn,
      standing: () => this.driver.standing(),
      membership: (peer, message) => this.driver.membership(peer, message),
      setup: (peer, message) => this.driver.setup(peer, message),
      routine: (peer, message) => {
        // It has heard before us that both belong to the cluster.
        if (!peer.isMember) peer.early.push(message)
        else {
          const act = (): void => this.routines?.received(peer, message)
          this.refs?.coming(peer.member.place, message, act)
        }
      },
      ref: (peer, message) => {
        if (peer.isMember) this.refs?.received(peer.member.place, message[1])
        else peer.early.push(message)
      },
      leaving: (peer, message) => this.refs?.leaving(peer.member.place, message),
      replicas: (peer, message) => {
        if (peer.isMember) this.replicas?.received(peer.member.place, message)
        else peer.early.push(message)
      },
      linkOver: (peer, error) => {
        if (this.#byPlace.get(peer.member.place) === peer) this.driver.linkOver(peer, error)
      },
    }
  }

  get size(): number {
    return this.#byPlace.size
  }

  /** A link to that node is there; what is said over it goes to the driver and the stores. */
  link(member: Member, end: LinkEnd): Peer {
    const peer = new Peer(member, end, this.#host)
    this.#byPlace.set(member.place, peer)
    this.#names.set(member.place, member.name)
    this.#addStores(peer, member)
    return peer
  }

  /** Whether it is the first node in its place of the cluster file: only these serve anything. */
  #isFounder({ place }: { readonly place: number }): boolean {
    return place <= this.#founders
  }

  #addStores(peer: Peer, member: Member): void {
    if (this.#isFounder(member)) this.router.add(member.index, peer.stores)
  }

  /** Whether anything was sent to another node since this was asked last. */
  takeSent(): boolean {
    let sent = false
    for (const { link } of this.#byPlace.values()) if (link.takeSent()) sent = true
    return sent
  }

  /** What this node has sent to all others so far. */
  traffic(): Traffic {
    return [...this.#byPlace.values()].reduce((all, { link }) => sum(all, link), this.#formerly)
  }

  /** It belongs to the cluster, as `member`: it may be given routines. */
  joined(peer: Peer, member: Member): void {
    peer.member = member
    // One that has dialled this node before it was told of it had no index until now.
    this.#addStores(peer, member)
    this.routines?.joined(peer)
    peer.isMember = true
    const early = peer.early.splice(0)
    if (early.length > 0) peer.received(early)
  }

  /** It does not belong to the cluster any more. */
  remove(place: number): void {
    const peer = this.#byPlace.get(place)
    if (peer === undefined) return
    this.#byPlace.delete(place)
    this.#formerly = sum(this.#formerly, peer.link)
    this.router.lose(peer.member.index, peer.member.name)
    peer.lost()
    this.routines?.lost(peer)
    this.refs?.nodeLost(place)
  }

  /** Who is in from now on, by place: before those are told of who have joined. */
  view(epoch: number, places: readonly number[]): void {
    this.replicas?.view(epoch, places)
  }

  /** What came before this node might serve is acted on now. */
  release(): void {
    this.replicas?.serving()
    for (const peer of this.#byPlace.values()) peer.release()
  }

  /** This node serves no more: the locks of its clients are lost, wherever they are served. */
  expired(reason: GoawayError): void {
    for (const { stores } of this.#byPlace.values()) stores.locksLost(reason)
    const record = recordOf(reason)
    // The locks of objects are their store's affair.
    this.replicas?.expired()
    for (const { client, name, token } of this.#own.held()) {
      if (!isObjectLock(name)) this.#host.replies.lockLost(client, name, token, record)
    }
    this.#host.turn()
  }

  get(place: number): Peer | undefined {
    return this.#byPlace.get(place)
  }

  nameOf(place: number): string | undefined {
    return this.#names.get(place)
  }

  /** Has output written where the program runs. */
  print(client: number, descriptor: number, bytes: Uint8Array): void {
    this.#byPlace.get(0)?.link.send(['output', client, descriptor, bytes])
  }

  ofClient(client: number): Peer | undefined {
    return this.#byPlace.get(Math.floor(client / clientsPerNode))
  }

  [Symbol.iterator](): IterableIterator<Peer> {
    return this.#byPlace.values()
  }

  flush(): void {
    for (const peer of this.#byPlace.values()) peer.link.flush()
  }

  /** This hub is about to end: that links end with it is no news to anybody here. */
  ending(): void {
    for (const { stores } of this.#byPlace.values()) stores.close()
  }

  close(): void {
    this.ending()
    for (const peer of this.#byPlace.values()) {
      peer.server.close()
      peer.link.close()
    }
    this.#byPlace.clear()
  }
}

function sum(one: Traffic, other: Traffic): Traffic {
  return {
    messagesSent: one.messagesSent + other.messagesSent,
    bytesSent: one.bytesSent + other.bytesSent,
  }
}

/** The place of the node that a routine's caller is at. */
export function callerPlace(routine: number): number {
  return Math.floor(routine / (routinesPerClient * clientsPerNode))
}

/** Whether another node serves that lock; undefined where one serves them all. */
export function foreignLocks(
  peers: () => Peers,
  cluster: PeersOptions | undefined,
): ((lock: string) => boolean) | undefined {
  if (cluster?.placement !== 'hash') return undefined
  return (lock) => peers().router.indexOf(lock) !== cluster.index
}
