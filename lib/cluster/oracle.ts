/**
 * Says who belongs to a cluster: drives the spawner's part of the membership protocol. How nodes
 * are started, given code and linked is the affair of its host.
 */
import { type Clock, realClock } from '../clock.ts'
import { isGoawayError } from '../errors.ts'
import { Alarm } from '../hub/alarm.ts'
import type { Hub } from '../hub/hub.ts'
import type { Peer } from '../hub/peer.ts'
import {
  membershipSpawner,
  type SpawnerInput,
  type SpawnerOutput,
  type SpawnerState,
} from '../protocol/membership-spawner.ts'
import { type MembershipOptions, membershipTimes } from '../protocol/membership-times.ts'
import type { Member, MembershipMessage } from '../wire/messages.ts'

/** What it needs of whoever makes the cluster. */
export interface OracleHost {
  readonly hub: Pick<Hub, 'peers' | 'turn'>
  /** The spawner itself, which is in every view. */
  readonly myself: Member
  /** The process, or its link, is over. False: nothing is to follow from it. */
  gone(peer: Peer, error: Error | undefined): boolean
  /** The node belongs to the cluster no more: its peer is to be removed. */
  removed(place: number): void
  /** The same for one that never belonged to it. */
  dropped(place: number): void
}

/** An input, whose time is added here. */
type Untimed<T> = T extends unknown ? Omit<T, 'now'> : never

export class Oracle {
  readonly #host: OracleHost
  readonly #clock: Clock
  readonly #state: SpawnerState
  readonly #alarm: Alarm
  #over = false

  constructor(options: MembershipOptions, host: OracleHost, clock: Clock = realClock) {
    this.#host = host
    this.#clock = clock
    this.#state = membershipSpawner.initial(membershipTimes(options))
    this.#alarm = new Alarm(() => this.#step({ type: 'tick' }), clock)
  }

  /** Who belongs to the cluster. */
  members(): Member[] {
    const others = [...this.#state.members.values()].map(({ member }) => member)
    return [this.#host.myself, ...others.sort((a, b) => a.place - b.place)]
  }

  /** They are ready, and linked with all others: they belong to the cluster from now on. */
  take(peers: readonly Peer[]): void {
    this.#step({ type: 'joined', members: peers.map(({ member }) => member) })
    for (const peer of peers) this.#host.hub.peers.joined(peer, peer.member)
  }

  received(peer: Peer, message: MembershipMessage): void {
    const { place } = peer.member
    switch (message[0]) {
      case 'renew':
        return this.#step({ type: 'renew', place, nonce: message[1] })
      case 'unreachable':
        return this.#step({ type: 'unreachable', from: place, place: message[1] })
      case 'bye':
        return this.left(peer, undefined)
    }
  }

  /** The process was seen to end, or said so: there is no lease to wait for. */
  left(peer: Peer, error: Error | undefined): void {
    this.#gone(peer, 'left', error)
  }

  linkOver(peer: Peer, error: Error | undefined): void {
    // Another process answered in its place, so that one is no more.
    const dead = isGoawayError(error, 'ERR_GOAWAY_NODE_LOST')
    this.#gone(peer, dead ? 'dead' : 'cut off', error)
  }

  /** A node that takes part is lost when its lease is over; one that is being set up, at once. */
  #gone(peer: Peer, how: 'left' | 'dead' | 'cut off', error: Error | undefined): void {
    if (!this.#host.gone(peer, error)) return
    const { place } = peer.member
    if (!this.#state.members.has(place)) return this.#host.dropped(place)
    if (how === 'left') this.#step({ type: 'left', place })
    else this.#step({ type: 'linkLost', place, dead: how === 'dead' })
  }

  #step(input: Untimed<SpawnerInput>): void {
    const now = this.#clock.now()
    const outputs = membershipSpawner.step(this.#state, { ...input, now } as SpawnerInput)
    for (const output of outputs) this.#perform(output)
    this.#host.hub.turn()
  }

  #perform(output: SpawnerOutput): void {
    const { hub, myself } = this.#host
    const { peers } = hub
    switch (output.type) {
      case 'grant':
        peers.get(output.place)?.link.send(['grant', output.nonce, output.epoch])
        return
      case 'view': {
        const members = [myself, ...output.members]
        for (const { place } of output.members) {
          peers.get(place)?.link.send(['view', output.epoch, members])
        }
        const places = members.map(({ place }) => place)
        return peers.view(output.epoch, places)
      }
      case 'removed':
        return this.#host.removed(output.place)
      case 'dismiss':
        peers.get(output.place)?.link.send(['bye'])
        return
      case 'wake':
        if (!this.#over) this.#alarm.set(output.at)
    }
  }

  /** Nobody is to be woken any more. */
  close(): void {
    this.#over = true
    this.#alarm.clear()
  }
}
