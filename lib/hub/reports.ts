/** What becomes of routines, on its way to the threads of this node that have started them. */
import { dropPayload } from '../client/payload.ts'
import type { Outcome, Report } from '../executor/contract.ts'
import type { ThreadExecutor } from '../executor/thread-executor.ts'
import { routinesPerClient } from '../limits.ts'
import type { Payload } from '../wire/messages.ts'
import type { Refs } from './refs.ts'
import type { Session } from './session.ts'

export interface ReportsHost {
  session(client: number): Session | undefined
  /** A routine that the thread has started is over. */
  settled(session: Session): void
  executor(): ThreadExecutor
  refs(): Refs
}

export class Reports implements Report {
  readonly #host: ReportsHost

  constructor(host: ReportsHost) {
    this.#host = host
  }

  started(routine: number, node: string, thread: number, attempt: number): void {
    this.#callerOf(routine)?.send(['started', routine, node, thread, attempt])
  }

  value(routine: number, payload: Payload): void {
    const session = this.#callerOf(routine)
    if (session === undefined) return dropPayload(payload)
    this.#host.refs().delivering(session.client, payload)
    session.send(['value', routine, payload])
    this.#host.executor().resumed(session.thread)
  }

  settled(routine: number, outcome: Outcome): void {
    this.#deliver(routine, outcome)
    this.#host.refs().settled(routine)
  }

  #deliver(routine: number, outcome: Outcome): void {
    const session = this.#callerOf(routine)
    if (session?.routines.delete(routine) !== true) {
      if (outcome.ok) dropPayload(outcome.payload)
      return
    }
    this.#host.settled(session)
    if (outcome.ok) this.#host.refs().delivering(session.client, outcome.payload)
    session.send(
      outcome.ok ? ['result', routine, outcome.payload] : ['failure', routine, outcome.error],
    )
    if (session.thread !== 0) this.#host.executor().resumed(session.thread)
  }

  #callerOf(routine: number): Session | undefined {
    return this.#host.session(Math.floor(routine / routinesPerClient))
  }
}
