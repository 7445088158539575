/**
 * Finds blocking calls that nobody is left to answer. A cycle of locks is refused by the lock
 * machine; a blocked `waitFor` could be answered by anybody, so it is hopeless only when nobody can
 * do anything: every thread is blocked, or has nothing to run, or says that it is *quiet*: that its
 * event loop waits for its hub and for nothing else, no timer, no socket, no file.
 *
 * The threads are asked in a round. If the hub has heard of nothing else by its end, all answers
 * hold at once, and one blocked call is refused: rather one whose thread has parked neighbours that
 * could answer it if it did not block them. No call is refused while a thread may still act.
 */
import { recordOf } from '../client/error-codec.ts'
import { GoawayError } from '../errors.ts'
import { stallLookMsMax, stallLookMsMin } from '../limits.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { Session } from './session.ts'

export interface StallHost {
  sessions(): Iterable<Session>
  /** Routines on a thread of the pool, parked ones included. */
  routinesOn(thread: number): number
  /**
   * Something will happen without any thread: a timer of a routine, a start, a message of a link.
   */
  mayAct(): boolean
  giveUp(session: Session, call: number, error: ErrorRecord): void
  turn(): void
}

export class StallWatch {
  readonly #host: StallHost
  #timer: NodeJS.Timeout | undefined
  #delayMs = stallLookMsMin
  #round = 0
  /** Clients that have not answered in this round. */
  #asked = new Set<number>()
  /** Something happened since the round began. */
  #stirred = false

  constructor(host: StallHost) {
    this.#host = host
  }

  /** A thread has blocked in a call that has no answer yet. */
  blocked(): void {
    this.#delayMs = stallLookMsMin
    this.#arm()
  }

  /** A message other than an answer to a round. */
  stir(): void {
    this.#stirred = true
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#look()
      this.#host.turn()
    }, this.#delayMs)
  }

  #later(): void {
    this.#delayMs = Math.min(this.#delayMs * 2, stallLookMsMax)
    this.#arm()
  }

  #look(): void {
    const sessions = [...this.#host.sessions()]
    if (!sessions.some(isBlocked)) return
    if (!this.#isCandidate(sessions)) return this.#later()
    this.#round++
    this.#stirred = false
    const awake = sessions.filter((session) => !isBlocked(session) && this.#hasWork(session))
    this.#asked = new Set(awake.map(({ client }) => client))
    for (const session of awake) session.send(['quiet?', this.#round])
    if (awake.length === 0) this.#conclude()
  }

  #hasWork(session: Session): boolean {
    return session.thread === 0 || this.#host.routinesOn(session.thread) > 0
  }

  #isCandidate(sessions: readonly Session[]): boolean {
    if (this.#host.mayAct()) return false
    return sessions.every((session) => {
      if (session.blockingCall === 0) return true
      return isBlocked(session) && session.waiting.get(session.blockingCall)?.limited === false
    })
  }

  /** A thread says whether its event loop waits for its hub alone. */
  answered(client: number, round: number, quiet: boolean): void {
    if (round !== this.#round || !this.#asked.delete(client)) return
    if (!quiet) {
      this.#round++
      return this.#later()
    }
    if (this.#asked.size === 0) this.#conclude()
  }

  #conclude(): void {
    const sessions = [...this.#host.sessions()]
    if (this.#stirred || !this.#isCandidate(sessions)) return this.#later()
    const blocked = sessions.filter(isBlocked)
    const victim = blocked.sort((one, other) => this.#rank(other) - this.#rank(one))[0]
    if (victim === undefined) return
    const neighbours = this.#host.routinesOn(victim.thread) - 1
    const count = blocked.length === 1 ? 'one thread' : `${blocked.length} threads`
    const where =
      neighbours > 0
        ? `${neighbours} parked on the thread that it blocks`
        : `${count} blocked and all others with nothing to do`
    const error = new GoawayError(
      'ERR_GOAWAY_DEADLOCK',
      `Cannot block: nobody is left who could answer, with ${where}; ` +
        'wait without blocking (the handles of goaway), raise threadsMax, or set a timeoutMs',
    )
    this.#host.giveUp(victim, victim.blockingCall, recordOf(error))
    // There may be another, once this one has done what it does about it.
    this.blocked()
  }

  /** Calls on shared threads first, then the latest. */
  #rank(session: Session): number {
    const shared = session.thread !== 0 && this.#host.routinesOn(session.thread) > 1
    const since = session.waiting.get(session.blockingCall)?.since ?? 0
    return since + (shared ? Number.MAX_SAFE_INTEGER / 2 : 0)
  }
}

function isBlocked(session: Session): boolean {
  return session.blockingCall !== 0 && session.waiting.has(session.blockingCall)
}
