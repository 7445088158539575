/** Drives a node's part of the membership protocol: its clock, its timer and its messages. */
import { type Clock, realClock } from '../clock.ts'
import { Alarm } from '../hub/alarm.ts'
import { ClockWatch } from '../hub/clock-watch.ts'
import {
  type ExpiryReason,
  membershipNode,
  type NodeInput,
  type NodeOutput,
  type NodeState,
  type Standing,
  standingOf,
} from '../protocol/membership-node.ts'
import { membershipTimes } from '../protocol/membership-times.ts'
import type { Claim, Member, MembershipMessage } from '../wire/messages.ts'

/** What a node has to know of its claim to belong to its cluster. */
export type BelongingClaim = Pick<Claim, 'member' | 'nodeTimeoutMs' | 'linkGraceMs'>

export interface BelongingHost {
  /** To the spawner. */
  send(message: MembershipMessage): void
  /** To the other nodes: that this one is there. */
  greet(): void
  /** Until then it may serve, by its own clock; -Infinity: not at all. Told before what follows. */
  lease(endAt: number): void
  /** It has its first lease, and may act on what the others ask of it. */
  serving(): void
  left(member: Member): void
  joined(member: Member): void
  /** Who is in from now on, by place: told when those who left have left, and before the joins. */
  view(epoch: number, places: readonly number[]): void
  /** This node serves no more. */
  expired(reason: ExpiryReason): void
}

/** An input, whose time is added here. */
type Untimed<T> = T extends unknown ? Omit<T, 'now'> : never

export class Belonging {
  readonly #state: NodeState
  readonly #host: BelongingHost
  readonly #clock: Clock
  readonly #alarm: Alarm
  readonly #clocks: ClockWatch
  #serving = false

  constructor(claim: BelongingClaim, host: BelongingHost, clock: Clock = realClock) {
    const { place } = claim.member
    this.#clock = clock
    this.#alarm = new Alarm(() => this.#tick(), clock)
    this.#clocks = new ClockWatch(clock)
    this.#state = membershipNode.initial({ place, times: membershipTimes(claim) })
    this.#host = host
    this.step({ type: 'started' })
  }

  /** Whether nobody can have taken this node's place: asked before anything is acted on. */
  standing(): Standing {
    this.#lookAtClocks()
    const standing = standingOf(this.#state, this.#clock.now())
    if (standing === 'expired') this.step({ type: 'tick' })
    return standing
  }

  step(input: Untimed<NodeInput>): void {
    const now = this.#clock.now()
    const outputs = membershipNode.step(this.#state, { ...input, now } as NodeInput)
    this.#host.lease(this.#state.expired ? -Infinity : this.#state.leaseEndAt)
    for (const output of outputs) this.#perform(output)
    if (this.#serving || standingOf(this.#state, now) !== 'serving') return
    this.#serving = true
    this.#host.serving()
  }

  #perform(output: NodeOutput): void {
    switch (output.type) {
      case 'renew':
        this.#host.greet()
        return this.#host.send(['renew', output.nonce])
      case 'unreachable':
        return this.#host.send(['unreachable', output.place])
      case 'membersChanged':
        for (const member of output.left) this.#host.left(member)
        this.#host.view(output.epoch, this.#places())
        for (const member of output.joined) this.#host.joined(member)
        return
      case 'expired':
        this.#alarm.clear()
        return this.#host.expired(output.reason)
      case 'wake':
        return this.#alarm.set(output.at)
    }
  }

  #places(): number[] {
    const { members, place } = this.#state
    return [...members.keys(), place].sort((one, other) => one - other)
  }

  #tick(): void {
    this.#lookAtClocks()
    this.step({ type: 'tick' })
  }

  /** A machine that was suspended shows it before anything else is done. */
  #lookAtClocks(): void {
    const deltaMs = this.#clocks.jump()
    if (deltaMs !== 0) this.step({ type: 'clockJump', deltaMs })
  }

  close(): void {
    this.#alarm.clear()
  }
}
