/**
 * A thread as a client of its hub: asynchronous calls (a message and a callback), blocking calls (a word
 * that the thread waits on), and messages that want no answer.
 */
import { receiveMessageOnPort } from 'node:worker_threads'
import { GoawayError } from '../errors.ts'
import { beatPatienceMs, blockingSpins, pulseLookMs } from '../limits.ts'
import { decodeOne, openFrame, type PortFrame } from '../wire/frame.ts'
import type { Answer, HubMessage, Message, Operation } from '../wire/messages.ts'
import {
  wordAnswer,
  wordAnswerBytes,
  wordAnswerPlace,
  wordBeat,
  wordDead,
} from '../wire/shared-words.ts'
import type { Channel } from './channel.ts'
import { errorOf } from './error-codec.ts'
import { type Baseline, isQuiet } from './quiet.ts'

interface Call {
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/** How a wait may end before its answer. `aborted` is looked at when a blocked thread wakes. */
export interface WaitLimit {
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

type Handler = (message: HubMessage) => void

/** Told when something becomes pending and when nothing is, so that the event loop can end. */
export interface Keeper {
  retain(): void
  release(): void
}

export class HubClient {
  readonly channel: Channel
  /** Number of this client at its hub; its routines' ids are counted from `id * 2^40`. */
  readonly id: number
  /** Frames and letters of the hub taken so far: tells it whether this thread has seen all. */
  deliveries = 0
  readonly keeper: Keeper
  #calls = new Map<number, Call>()
  #nextCall = 1
  #handlers = new Map<string, Handler>()
  #lost: GoawayError | undefined
  #lostListeners = new Set<(error: GoawayError) => void>()
  /** Frames that a blocking call found before its own answer: for the next turn of the event loop. */
  #early: PortFrame[] = []

  constructor(id: number, channel: Channel, keeper: Keeper) {
    this.id = id
    this.channel = channel
    this.keeper = keeper
  }

  /** Answers the hub's rounds of questions, once this turn of the event loop is over. */
  answerWhetherQuiet(baseline: () => Baseline): void {
    this.on('quiet?', (message) => {
      if (message[0] !== 'quiet?') return
      const round = message[1]
      setImmediate(() => {
        if (this.#lost === undefined) this.channel.send(['quiet', round, isQuiet(baseline())])
      })
    })
  }

  /** Why there is no hub any more, if there is none. */
  get lost(): GoawayError | undefined {
    return this.#lost
  }

  on(name: HubMessage[0], handler: Handler): void {
    this.#handlers.set(name, handler)
  }

  onLost(listener: (error: GoawayError) => void): () => void {
    this.#lostListeners.add(listener)
    return () => this.#lostListeners.delete(listener)
  }

  send(message: Message): void {
    if (this.#lost !== undefined) throw this.#lost
    this.channel.send(message)
  }

  tell(owner: number, operation: Operation): void {
    if (this.#lost === undefined) this.channel.send(['tell', owner, operation])
  }

  /** Asks and comes back at once; returns the call's number, for {@link forget}. */
  ask(
    owner: number,
    operation: Operation,
    resolve: (answer: Answer) => void,
    reject: (error: unknown) => void,
  ): number {
    if (this.#lost !== undefined) {
      reject(this.#lost)
      return 0
    }
    const call = this.#nextCall++
    this.#calls.set(call, { resolve, reject })
    this.keeper.retain()
    this.channel.send(['ask', call, false, owner, operation, false])
    return call
  }

  askAsync(owner: number, operation: Operation): Promise<Answer> {
    return new Promise((resolve, reject) => this.ask(owner, operation, resolve, reject))
  }

  /** Stops waiting for an answer; the call is then refused, unless its answer was on its way. */
  forget(call: number): void {
    if (this.#lost === undefined && this.#calls.has(call)) this.channel.send(['forget', call])
  }

  /** Asks and blocks this thread until the answer is there. Throws what the hub refuses with. */
  askBlocking(owner: number, operation: Operation, timeoutMs = Infinity): Answer {
    if (this.#lost !== undefined) throw this.#lost
    const call = this.#nextCall++
    const { words } = this.channel.shared
    const before = Atomics.load(words, wordAnswer)
    this.channel.send(['ask', call, true, owner, operation, timeoutMs !== Infinity])
    this.#waitForAnswer(before, call, timeoutMs)
    const message = this.#openLetter()
    if (message[0] === 'answer') return message[2]
    if (message[0] === 'refuse') throw errorOf(message[2])
    throw new GoawayError('ERR_GOAWAY_PROTOCOL', `Unexpected answer: ${message[0]}`)
  }

  #waitForAnswer(before: number, call: number, timeoutMs: number): void {
    const { words } = this.channel.shared
    for (let spin = 0; spin < blockingSpins; spin++) {
      if (Atomics.load(words, wordAnswer) !== before) return
    }
    let deadline = timeoutMs === Infinity ? Infinity : performance.now() + timeoutMs
    let beat = -1
    let silentSince = 0
    for (;;) {
      const left = deadline - performance.now()
      if (left <= 0) {
        // The hub's answer decides: it may have been on its way.
        deadline = Infinity
        this.channel.send(['forget', call])
        continue
      }
      Atomics.wait(words, wordAnswer, before, Math.min(left, pulseLookMs))
      if (Atomics.load(words, wordAnswer) !== before) return
      const now = performance.now()
      const beatNow = Atomics.load(this.channel.hubWords, wordBeat)
      if (beatNow !== beat) {
        beat = beatNow
        silentSince = now
      }
      const silent = beat !== -1 && now - silentSince > beatPatienceMs
      if (silent || Atomics.load(this.channel.hubWords, wordDead) !== 0) {
        const error = hubLost()
        this.lose(error)
        throw error
      }
    }
  }

  #openLetter(): HubMessage {
    this.deliveries++
    const { words, letter } = this.channel.shared
    if (Atomics.load(words, wordAnswerPlace) === 0) {
      const bytes = letter.slice(0, Atomics.load(words, wordAnswerBytes))
      return decodeOne(bytes) as HubMessage
    }
    // It is the last frame on the port; those before it are handed on when this thread is free.
    for (;;) {
      const received = receiveMessageOnPort(this.channel.port)
      if (received === undefined) throw hubLost()
      const frame = received.message as PortFrame
      if (Array.isArray(frame) && (frame[0] as unknown) === 'letter') {
        return openFrame(frame.slice(1) as unknown as PortFrame)[0] as HubMessage
      }
      this.#early.push(frame)
      if (this.#early.length === 1) setImmediate(() => this.receive(null))
    }
  }

  /** Takes a frame that came on the port; `null` for those that a blocking call came upon. */
  receive(frame: PortFrame | null): void {
    const { length } = this.#early
    if (length > 0) for (const early of this.#early.splice(0, length)) this.#open(early)
    if (frame !== null) this.#open(frame)
  }

  #open(frame: PortFrame): void {
    this.deliveries++
    for (const message of openFrame(frame)) this.dispatch(message as HubMessage)
  }

  /** Acts on one message of the hub. */
  dispatch(message: HubMessage): void {
    switch (message[0]) {
      case 'answer':
        return this.#settle(message[1])?.resolve(message[2])
      case 'refuse':
        return this.#settle(message[1])?.reject(errorOf(message[2]))
      default:
        this.#handlers.get(message[0])?.(message)
    }
  }

  #settle(id: number): Call | undefined {
    const call = this.#calls.get(id)
    if (call !== undefined) {
      this.#calls.delete(id)
      this.keeper.release()
    }
    return call
  }

  /** The hub is gone: everything pending rejects, and so does everything later. */
  lose(error: GoawayError): void {
    if (this.#lost !== undefined) return
    this.#lost = error
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    for (const call of calls) {
      this.keeper.release()
      call.reject(error)
    }
    for (const listener of this.#lostListeners) listener(error)
    this.#lostListeners.clear()
  }
}

export function hubLost(cause?: unknown): GoawayError {
  return new GoawayError(
    'ERR_GOAWAY_HUB_LOST',
    'The hub thread of this process is gone: its shared objects and locks are lost; ' +
      'end this program, or call shutdown() and init() to start anew',
    { cause, maybeExecuted: true },
  )
}
