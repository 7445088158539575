/** Drives a node's part of the membership protocol: its clock, its timer and its messages. */
import { Alarm } from '../cluster/alarm.ts'
import {
  type ExpiryReason,
  membershipNode,
  type NodeInput,
  type NodeOutput,
  type NodeState,
  standingOf,
} from '../protocol/membership-node.ts'
import { membershipTimes } from '../protocol/membership-times.ts'
import type { Claim, Member, MembershipMessage } from '../wire/messages.ts'

export interface BelongingHost {
  /** To the spawner. */
  send(message: MembershipMessage): void
  left(member: Member): void
  joined(member: Member): void
  /** This node serves no more. */
  expired(reason: ExpiryReason): void
}

/** An input, whose time is added here. */
type Untimed<T> = T extends unknown ? Omit<T, 'now'> : never

export class Belonging {
  readonly #state: NodeState
  readonly #host: BelongingHost
  readonly #alarm = new Alarm(() => this.#tick())
  #wallMs = Date.now()
  #steadyMs = performance.now()

  constructor(claim: Claim, host: BelongingHost) {
    const { place } = claim.member
    this.#state = membershipNode.initial({ place, times: membershipTimes(claim) })
    this.#host = host
    this.step({ type: 'started' })
  }

  /** Whether nobody can have taken this node's place: asked before anything is acted on. */
  mayServe(): boolean {
    if (standingOf(this.#state, performance.now()) !== 'expired') return true
    this.step({ type: 'tick' })
    return false
  }

  step(input: Untimed<NodeInput>): void {
    const now = performance.now()
    const outputs = membershipNode.step(this.#state, { ...input, now } as NodeInput)
    for (const output of outputs) this.#perform(output)
  }

  #perform(output: NodeOutput): void {
    switch (output.type) {
      case 'renew':
        return this.#host.send(['renew', output.nonce])
      case 'unreachable':
        return this.#host.send(['unreachable', output.place])
      case 'membersChanged':
        for (const member of output.left) this.#host.left(member)
        for (const member of output.joined) this.#host.joined(member)
        return
      case 'expired':
        this.#alarm.clear()
        return this.#host.expired(output.reason)
      case 'wake':
        return this.#alarm.set(output.at)
    }
  }

  /** The steady clock stands still while a machine is suspended; the one on the wall does not. */
  #tick(): void {
    const [wall, steady] = [Date.now(), performance.now()]
    const deltaMs = wall - this.#wallMs - (steady - this.#steadyMs)
    this.#wallMs = wall
    this.#steadyMs = steady
    if (Math.abs(deltaMs) > 1) this.step({ type: 'clockJump', deltaMs })
    this.step({ type: 'tick' })
  }

  close(): void {
    this.#alarm.clear()
  }
}
