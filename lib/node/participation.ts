/**
 * A node's part in its cluster: joins what it believes of its membership with its links to the
 * others. How it was started, and what becomes of its process, is the affair of its host.
 */
import { type Clock, realClock } from '../clock.ts'
import type { Peer } from '../hub/peer.ts'
import type { Peers } from '../hub/peers.ts'
import type { ExpiryReason, Standing } from '../protocol/membership-node.ts'
import type { Member, MembershipMessage } from '../wire/messages.ts'
import { Belonging, type BelongingClaim, type BelongingHost } from './belonging.ts'

/** Why it serves no more; `dismissed`: it was asked to go, `link`: that to the spawner is over. */
export type EndReason = ExpiryReason | 'dismissed' | 'link'

export interface ParticipationHost {
  readonly peers: Peers
  /** See {@link BelongingHost.lease}. */
  lease(endAt: number): void
  /** This node serves no more. */
  over(reason: EndReason, error?: Error): void
}

export class Participation {
  readonly #host: ParticipationHost
  readonly #belonging: Belonging

  /** The link to the spawner is there already. */
  constructor(claim: BelongingClaim, host: ParticipationHost, clock: Clock = realClock) {
    this.#host = host
    const { peers } = host
    const send = (message: MembershipMessage): void => {
      const link = peers.get(0)?.link
      link?.send(message)
      // An alarm is no turn of the hub, which would send it.
      link?.flush()
    }
    const belonging: BelongingHost = {
      send,
      greet: () => this.#greet(),
      lease: (endAt: number) => host.lease(endAt),
      serving: () => peers.release(),
      left: ({ place }: Member) => peers.remove(place),
      joined: (joined: Member) => this.#joined(joined),
      view: (epoch: number, places: readonly number[]) => peers.view(epoch, places),
      expired: (reason: ExpiryReason) => host.over(reason),
    }
    this.#belonging = new Belonging(claim, belonging, clock)
  }

  standing(): Standing {
    return this.#belonging.standing()
  }

  /** One of each two is enough to see that the way between them is broken: who dialled. */
  #greet(): void {
    const { peers } = this.#host
    for (const { member, link } of peers) {
      if (member.place === 0 || member.place > peers.place) continue
      link.send(['present'])
      link.flush()
    }
  }

  /** It is in the view, and linked: whoever sends a view has seen all its members meet. */
  #joined(member: Member): void {
    const { peers } = this.#host
    const peer = peers.get(member.place)
    if (peer !== undefined) peers.joined(peer, member)
  }

  received(peer: Peer, message: MembershipMessage): void {
    const { place } = peer.member
    if (place !== 0) {
      // It leaves of its own accord; the spawner hears of it too, and says so to all.
      if (message[0] === 'bye') this.#belonging.step({ type: 'peerLost', place })
      return
    }
    switch (message[0]) {
      case 'grant':
        return this.#belonging.step({ type: 'granted', nonce: message[1], epoch: message[2] })
      case 'view':
        return this.#belonging.step({ type: 'view', epoch: message[1], members: message[2] })
      case 'bye':
        return this.#host.over('dismissed')
    }
  }

  linkOver(peer: Peer, error: Error | undefined): void {
    const { place } = peer.member
    if (place === 0) return this.#host.over('link', error)
    // No view will ever take away one that was given up before it belonged.
    if (!peer.isMember) this.#host.peers.remove(place)
    this.#belonging.step({ type: 'peerLost', place })
  }

  close(): void {
    this.#belonging.close()
  }
}
