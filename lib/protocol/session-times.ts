/**
 * How long a session of locks lasts, derived from the one time that a user gives. With S =
 * `sessionMs` and e = `clockDriftMax`, a clock of rate 1 ± e:
 *
 *     wait  = S                      the master waits so long after the last keep that it took
 *     ttl   = wait / (1 + e)         in true time, a session is over at the latest
 *     lease = ttl (1 - e)            the node believes so long after it sent that keep
 *
 * A keep is sent before it is taken. A slow clock shows `lease` after ttl of true time at most, a
 * fast one shows `wait` after ttl at least. Hence the node has given its locks up before the master
 * passes them on.
 *
 * A node in good health keeps its session if a keep that is due (S / 3) and two messages take less
 * than the lease: this leaves 0.64 S for a link that breaks, or a process that stands still.
 */
import { clockDriftMax } from '../limits.ts'

export interface SessionTimes {
  /** At the node: from the sending of a keep to the end of the lease that it brings. */
  readonly leaseMs: number
  /** At the master: from the taking of a keep to the end of the session. */
  readonly waitMs: number
  /** At the node: from one keep to the next. */
  readonly keepEveryMs: number
  /** At the master: a step that comes so much later than asked for means that it was stopped. */
  readonly lateMs: number
}

export function sessionTimes(sessionMs: number): SessionTimes {
  return {
    leaseMs: (sessionMs / (1 + clockDriftMax)) * (1 - clockDriftMax),
    waitMs: sessionMs,
    keepEveryMs: sessionMs / 3,
    lateMs: sessionMs / 10,
  }
}
