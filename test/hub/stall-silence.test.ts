/** What counts as silence before a blocking call is refused, by a clock of the test. */
import t from 'tap'
import { type Clock, realClock } from '../../lib/clock.ts'
import type { Session } from '../../lib/hub/session.ts'
import { type StallHost, StallWatch } from '../../lib/hub/stall-watch.ts'
import { stallPatienceMs } from '../../lib/limits.ts'

const blockedCall = 7

/** The program, which answers each round that it is quiet, and a thread that is blocked. */
class Stalled {
  readonly refused: number[] = []
  readonly watch: StallWatch
  #now = 1_000
  #due: { at: number; act: () => void } | undefined

  constructor() {
    const clock: Clock = {
      ...realClock,
      now: () => this.#now,
      setTimer: (delayMs, act) => {
        this.#due = { at: this.#now + delayMs, act }
        return this.#due
      },
    }
    const waiting = new Map([[blockedCall, { limited: false }]])
    const blocked = { client: 1, thread: 1, blockingCall: blockedCall, waiting }
    const asked: number[] = []
    const send = (message: readonly [string, number]): void => void asked.push(message[1])
    const program = { client: 0, thread: 0, blockingCall: 0, waiting: new Map(), send }
    const host: StallHost = {
      clock,
      sessions: () => [program, blocked] as unknown as Session[],
      routinesOn: () => 1,
      mayAct: () => false,
      giveUp: (_session, call) => {
        waiting.delete(call)
        this.refused.push(call)
      },
      turn: () => {
        for (const round of asked.splice(0)) this.watch.answered(0, round, true)
      },
    }
    this.watch = new StallWatch(host)
    this.watch.blocked()
  }

  /** Lets rounds come when they are due, for so long. */
  pass(ms: number): void {
    const end = this.#now + ms
    while (this.#due !== undefined && this.#due.at <= end) this.#round(this.#due.at)
    this.#now = end
  }

  /** Nothing goes on for so long; then what was due comes once. */
  pause(ms: number): void {
    this.#round(this.#now + ms)
  }

  #round(at: number): void {
    const due = this.#due
    this.#due = undefined
    this.#now = Math.max(this.#now, at)
    due?.act()
  }
}

t.test('A blocking call is refused after a silence of many rounds', async (t) => {
  const stalled = new Stalled()
  stalled.pass(stallPatienceMs)
  t.same(stalled.refused, [], 'not before its time')
  stalled.pass(1_000)
  t.same(stalled.refused, [blockedCall])
})

t.test('A pause of the machine is no silence', async (t) => {
  const stalled = new Stalled()
  stalled.pass(500)
  stalled.pause(5 * stallPatienceMs)
  t.same(stalled.refused, [], 'nobody could say anything meanwhile')
  stalled.pass(stallPatienceMs + 1_000)
  t.same(stalled.refused, [blockedCall])
})
