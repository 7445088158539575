/**
 * How long leases last, derived from the one time that a user gives. With T = `nodeTimeoutMs` and e
 * = `clockDriftMax`, a clock of rate 1 ± e:
 *
 *     wait   = 0.8 T           the spawner waits so long after its last grant
 *     ttl    = wait / (1 + e)  in true time, a lease is over at the latest
 *     lease  = ttl (1 - e)     the node serves so long after it sent the renewal
 *
 * A renewal is sent before it is granted. A slow clock shows `lease` after ttl of true time at
 * most, a fast one shows `wait` after ttl at least. Hence the lease has run out before the wait
 * is over.
 *
 * Whoever was heard of last at h was granted nothing later, and is lost when h + wait is looked at:
 * 0.8 T, and 0.1 T if the look is late by as much as is not yet called a stop of the spawner. The
 * last 0.1 T is for the sign of life that was still on its way when the node died.
 *
 * A node in good health is granted anew before its lease is over if a renewal that is due (0.1 T),
 * sent late (0.1 T), and two messages take less: this gives `delayMsMax`. A link that breaks brings
 * what was sent meanwhile, so that a break takes the place of the messages' time: `linkGraceMsMax`.
 */
import { clockDriftMax } from '../limits.ts'

export interface MembershipTimes {
  /** At a node: from the sending of a renewal to the end of the lease that it brings. */
  readonly leaseMs: number
  /** At the spawner: from a grant to the moment when its lease has surely run out. */
  readonly waitMs: number
  /** At a node: from one renewal to the next. */
  readonly renewEveryMs: number
  /** At the spawner: a node that is not heard of for so long is lost. */
  readonly patienceMs: number
  /** At the spawner: from the first report of a dispute to its settlement. */
  readonly settleMs: number
  /** A step that comes so much later than it was asked for means that the process was stopped. */
  readonly lateMs: number
  /** While each message takes less, no node in good health is lost. */
  readonly delayMsMax: number
  /** With a longer `linkGraceMs`, nodes are lost though their links come back. */
  readonly linkGraceMsMax: number
}

export interface MembershipOptions {
  readonly nodeTimeoutMs: number
  readonly linkGraceMs: number
}

export function membershipTimes(options: MembershipOptions): MembershipTimes {
  const { nodeTimeoutMs, linkGraceMs } = options
  const waitMs = nodeTimeoutMs * 0.8
  const leaseMs = (waitMs / (1 + clockDriftMax)) * (1 - clockDriftMax)
  const renewEveryMs = nodeTimeoutMs / 10
  const lateMs = nodeTimeoutMs / 10
  return {
    leaseMs,
    waitMs,
    renewEveryMs,
    // Not sooner: nothing is won by giving up a node that may still serve.
    patienceMs: waitMs,
    // Long enough to hear of both, and so to tell a dead one, if it takes 0.2 T beyond its time.
    settleMs: Math.max(linkGraceMs / 4, renewEveryMs * 3),
    lateMs,
    delayMsMax: (leaseMs - renewEveryMs - lateMs) / 2,
    linkGraceMsMax: leaseMs - renewEveryMs - lateMs,
  }
}
