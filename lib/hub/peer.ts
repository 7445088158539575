/**
 * Another node of the cluster: its link, and what goes over it, each kind of message to the part
 * that understands it.
 */
import type { Clock } from '../clock.ts'
import { GoawayError } from '../errors.ts'
import type { Standing } from '../protocol/membership-node.ts'
import type { LinkEnd, LinkListener } from '../transport/contract.ts'
import type {
  LinkMessage,
  Member,
  MembershipMessage,
  RemoteRoutineMessage,
  SetupMessage,
} from '../wire/messages.ts'
import type { RefLinkMessage } from '../wire/ref-messages.ts'
import type { ReplicaLinkMessage } from '../wire/replica-messages.ts'
import { CountedLink, workMessages } from './counted-link.ts'
import { LinkServer, RemoteStores } from './link-stores.ts'
import type { ClientReplies, OwnStores } from './stores.ts'

/** What a peer needs of the hub. */
export interface PeerHost {
  readonly stores: OwnStores
  readonly replies: ClientReplies
  /** So long the locks of a node's clients are kept for it, if nothing is heard of it. */
  readonly sessionMs: number
  readonly clock: Clock
  /** How this node stands in its cluster, as far as it can know. */
  standing(): Standing
  membership(peer: Peer, message: MembershipMessage): void
  setup(peer: Peer, message: SetupMessage): void
  routine(peer: Peer, message: RemoteRoutineMessage): void
  replicas(peer: Peer, message: ReplicaLinkMessage): void
  ref(peer: Peer, message: RefLinkMessage): void
  /** The message is about to be sent to it. */
  leaving(peer: Peer, message: LinkMessage): void
  /** Its link is over, and with it what was on the way; it may still be alive. */
  linkOver(peer: Peer, error: Error | undefined): void
  turn(): void
}

export class Peer implements LinkListener {
  /** What is known of it: its threads, once it has said so. */
  member: Member
  readonly link: CountedLink
  /** It belongs to the cluster, as far as this node was told. */
  isMember = false
  /** What it said as such before this node was told so. */
  readonly early: (RemoteRoutineMessage | ReplicaLinkMessage | RefLinkMessage)[] = []
  readonly stores: RemoteStores
  readonly server: LinkServer
  /** When the link is over, and the node knows it if it lives. */
  readonly ended: Promise<void>
  #hasEnded = (): void => {}
  readonly #host: PeerHost
  readonly #waiting: LinkMessage[] = []
  /** It is lost, or spoke nonsense: what may still come of it is not acted on. */
  #over = false

  constructor(member: Member, end: LinkEnd, host: PeerHost) {
    this.member = member
    this.#host = host
    this.ended = new Promise((resolve) => {
      this.#hasEnded = resolve
    })
    this.link = new CountedLink(end.open(this), (message) => host.leaving(this, message))
    const { stores, replies, sessionMs, clock } = host
    const { name: node, place } = member
    const turn = (): void => host.turn()
    const parts = { link: this.link, node, place, sessionMs, clock, replies, stores, turn }
    this.stores = new RemoteStores(parts)
    this.server = new LinkServer(parts)
  }

  received(messages: readonly LinkMessage[]): void {
    const host = this.#host
    let standing = host.standing()
    try {
      for (const message of messages) {
        if (this.#over || standing === 'expired') break
        const isServed = served.has(message[0])
        if (isServed && standing === 'waiting') this.#waiting.push(message)
        else this.#take(message)
        // It may have been the first lease, or the end: that counts for what came along with it.
        if (!isServed) standing = host.standing()
      }
    } catch (error) {
      // It has our secret and yet speaks nonsense: nothing it says after this can be trusted.
      this.#over = true
      this.link.close()
      const reason = nonsense(this.member, error)
      this.stores.linkLost(reason)
      host.linkOver(this, reason)
    }
    host.turn()
  }

  /** What came before this node might serve. */
  release(): void {
    const waiting = this.#waiting.splice(0)
    if (waiting.length > 0) this.received(waiting)
  }

  #take(message: LinkMessage): void {
    switch (message[0]) {
      case 'request':
      case 'acknowledge':
      case 'cease':
      case 'over':
      case 'gone':
      case 'keep':
      case 'part':
        return this.server.received(message)
      case 'reply':
      case 'refusal':
      case 'waiting':
      case 'kept':
      case 'ended':
        return this.stores.received(message)
      case 'store':
        return this.#host.replicas(this, message)
      case 'ref':
        return this.#host.ref(this, message)
      case 'function':
      case 'terms':
      case 'order':
      case 'cancel':
      case 'credit':
      case 'finish':
      case 'started':
      case 'value':
      case 'result':
      case 'failure':
      case 'room':
      case 'recall':
      case 'returned':
      case 'recalled':
        return this.#host.routine(this, message)
      case 'renew':
      case 'grant':
      case 'view':
      case 'unreachable':
      case 'present':
      case 'bye':
        return this.#host.membership(this, message)
      default:
        return this.#host.setup(this, message)
    }
  }

  closed(error?: Error): void {
    this.#hasEnded()
    this.stores.linkLost(error)
    this.#host.linkOver(this, error)
    this.#host.turn()
  }

  /**
   * The node is lost: what it was asked for is refused, and its locks pass on. What it sent before
   * may come later; a lock that it were granted then would never be free again.
   */
  lost(): void {
    this.#over = true
    this.#waiting.length = 0
    this.stores.lost()
    this.server.lost()
    this.link.close()
  }
}

/** All but making the cluster, and belonging to it, which a node does before it serves. */
const served: ReadonlySet<string> = new Set([...workMessages, 'keep', 'kept'])

function nonsense({ name }: Member, cause: unknown): GoawayError {
  return new GoawayError(
    'ERR_GOAWAY_PROTOCOL',
    `Cannot understand node ${name}: ${cause instanceof Error ? cause.message : cause}`,
    { cause, node: name },
  )
}
