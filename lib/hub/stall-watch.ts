/**
 * Finds blocking calls that nobody is left to answer. A cycle of locks is refused by the lock
 * machine; a blocked `waitFor` could be answered by anybody, so it is hopeless only when nobody can
 * do anything: every thread is blocked, or has nothing to run, or says that it is *quiet*: that its
 * event loop waits for its hub and for nothing else, no timer, no socket, no file.
 *
 * The threads are asked in a round. If the hub has heard of nothing else by its end, all answers
 * hold at once. Node does not tell of everything a thread may wait for (work of node:crypto and
 * node:zlib, timers without a reference), so where threads were asked, nothing may stir for
 * `stallPatienceMs`; where all are blocked the verdict is certain, and immediate.
 *
 * Then a call is refused whose thread has parked neighbours that could answer it if it did not
 * block them; where there is none, all blocked calls are.
 */
import { recordOf } from '../client/error-codec.ts'
import type { Clock, Timer } from '../clock.ts'
import { GoawayError } from '../errors.ts'
import { stallLookMsMax, stallLookMsMin, stallPatienceMs } from '../limits.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { Session } from './session.ts'

export interface StallHost {
  readonly clock: Clock
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
  #timer: Timer | undefined
  #delayMs = stallLookMsMin
  #round = 0
  /** Clients that have not answered in this round. */
  #asked = new Set<number>()
  /** Something happened since the round began. */
  #stirred = false
  /** For how long all rounds have found the same silence; -1: the last has not. */
  #silentMs = -1
  #heardNothingAt = 0

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
    this.#silentMs = -1
  }

  /** The thread is gone: whatever it was asked, it will not answer. */
  gone(client: number): void {
    this.stir()
    if (this.#asked.delete(client)) this.#later()
  }

  close(): void {
    this.#host.clock.clearTimer(this.#timer)
  }

  #arm(): void {
    this.#timer ??= this.#host.clock.setTimer(this.#delayMs, () => {
      this.#timer = undefined
      this.#look()
      this.#host.turn()
    })
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
    if (awake.length === 0) this.#conclude(true)
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
      this.#silentMs = -1
      return this.#later()
    }
    if (this.#asked.size === 0) this.#conclude(false)
  }

  #conclude(certain: boolean): void {
    const sessions = [...this.#host.sessions()]
    if (this.#stirred || !this.#isCandidate(sessions)) return this.#later()
    if (!certain && this.#silence() < stallPatienceMs) return this.#later()
    const blocked = sessions.filter(isBlocked)
    const shared = blocked.filter(({ thread }) => this.#host.routinesOn(thread) > 1)
    for (const victim of shared.length > 0 ? shared.slice(-1) : blocked) {
      this.#refuse(victim, blocked)
    }
    // There may be others, once these have done what they do about it.
    this.blocked()
  }

  /**
   * For how long all rounds have found the same. While a machine pauses nobody can stir: only the
   * time between rounds that came when they were due counts.
   */
  #silence(): number {
    const now = this.#host.clock.now()
    const passed = Math.min(now - this.#heardNothingAt, 2 * stallLookMsMax)
    this.#silentMs = this.#silentMs < 0 ? 0 : this.#silentMs + passed
    this.#heardNothingAt = now
    return this.#silentMs
  }

  #refuse(victim: Session, blocked: readonly Session[]): void {
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
  }
}

function isBlocked(session: Session): boolean {
  return session.blockingCall !== 0 && session.waiting.has(session.blockingCall)
}
