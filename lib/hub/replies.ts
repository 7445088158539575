/**
 * What the stores answer, on its way to the threads that asked, and to other nodes' threads. It
 * keeps count of what waits: who is parked, who is blocked, and who may not wait at all.
 */
import { recordOf } from '../client/error-codec.ts'
import { GoawayError } from '../errors.ts'
import type { ThreadExecutor } from '../executor/thread-executor.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { Answer } from '../wire/messages.ts'
import type { Session } from './session.ts'
import {
  type ClientReplies,
  isReplicated,
  type StoreReplies,
  type StoreRequest,
  type Stores,
} from './stores.ts'

export interface RepliesHost {
  executor(): ThreadExecutor
  stores(): Stores
  session(client: number): Session | undefined
  /** Where answers to a client of another node go. */
  elsewhere(client: number): StoreReplies | undefined
  /** A thread has blocked in a call that has no answer yet. */
  blocked(): void
}

export class Replies implements ClientReplies {
  readonly #host: RepliesHost
  #waits = 0
  #answered = false

  constructor(host: RepliesHost) {
    this.#host = host
  }

  answer(client: number, call: number, answer: Answer): void {
    const session = this.#host.session(client)
    if (session === undefined) return this.#host.elsewhere(client)?.answer(client, call, answer)
    this.#unblock(session, call)
    session.answer(call, answer)
  }

  refuse(client: number, call: number, error: ErrorRecord): void {
    const session = this.#host.session(client)
    if (session === undefined) return this.#host.elsewhere(client)?.refuse(client, call, error)
    this.#unblock(session, call)
    session.refuse(call, error)
  }

  lockLost(client: number, lock: string, token: number, error: ErrorRecord): void {
    const session = this.#host.session(client)
    if (session === undefined) return
    session.send(['lockLost', lock, token, error])
    // Whoever listens runs then.
    if (session.thread !== 0) this.#host.executor().resumed(session.thread)
  }

  /** Whether a thread of this node was answered since it was asked last. */
  takeAnswered(): boolean {
    const answered = this.#answered
    this.#answered = false
    return answered
  }

  #unblock(session: Session, call: number): void {
    this.#answered = true
    if (session.thread === 0) return
    const executor = this.#host.executor()
    if (session.waiting.get(call)?.blocking === true) executor.unblocked(session.thread)
    else executor.resumed(session.thread)
  }

  parked(request: StoreRequest): void {
    const { client, call, owner, blocking } = request
    const executor = this.#host.executor()
    const stores = this.#host.stores()
    const session = this.#host.session(client)
    if (session === undefined) return this.#host.elsewhere(client)?.parked(request)
    const limited = session.blockingLimited
    session.waiting.set(call, { owner, blocking, limited, since: this.#waits++ })
    const refusal = this.#refusalOf(session, request)
    if (refusal !== undefined) return stores.forget(client, call, refusal)
    if (session.relieved.delete(call)) session.send(['waits', call])
    if (!blocking) return
    if (session.thread !== 0) executor.blocked(session.thread)
    this.#host.blocked()
  }

  /**
   * Why a routine may not wait: it is over; or it is to stop, and its request has crossed with
   * that. One that knows may still wait for a lock, which it may need to clean up.
   */
  #refusalOf(session: Session, { owner, operation }: StoreRequest): ErrorRecord | undefined {
    const executor = this.#host.executor()
    if (owner === 0) return undefined
    if (!executor.has(session.thread, owner)) return routineOver(owner)
    const reason = executor.stopping(owner)
    if (reason === undefined) return undefined
    const asked = isReplicated(operation) ? operation[1] : operation
    if (asked[0] === 'acquire' && (asked[2] === true || session.told.has(owner))) return
    session.told.add(owner)
    return reason
  }

  /** The routine may wait for nothing any more. */
  endWaits(client: number, routine: number, reason: () => ErrorRecord): void {
    const session = this.#host.session(client)
    if (session === undefined || session.waiting.size === 0) return
    for (const [call, { owner }] of [...session.waiting]) {
      if (owner !== routine) continue
      session.told.add(routine)
      this.#host.stores().forget(client, call, reason())
    }
  }
}

export function routineOver(routine: number): ErrorRecord {
  const text = `Routine ${routine} is over: what it left behind may not wait`
  return recordOf(new GoawayError('ERR_GOAWAY_CANCELLED', text, { routine }))
}

export function callerLost(): ErrorRecord {
  const text = 'The routine was stopped: the thread of the routine that started it is gone'
  return recordOf(new GoawayError('ERR_GOAWAY_THREAD_LOST', text, { maybeExecuted: true }))
}

export function givenUp(): ErrorRecord {
  return recordOf(new GoawayError('ERR_GOAWAY_TIMEOUT', 'The wait was given up'))
}
