/**
 * A thread as a client of its hub: asynchronous calls (a message and a callback), blocking calls (a
 * word that the thread waits on), and messages that want no answer.
 */
import process from 'node:process'
import { receiveMessageOnPort } from 'node:worker_threads'
import { type Clock, realClock } from '../clock.ts'
import { GoawayError } from '../errors.ts'
import { pulseLookMs } from '../limits.ts'
import { decodeOne, openFrame, type PortFrame } from '../wire/frame.ts'
import type { Answer, HubMessage, Message, Operation } from '../wire/messages.ts'
import {
  wordAnswer,
  wordAnswerBytes,
  wordAnswerPlace,
  wordSleeping,
  wordSpin,
} from '../wire/shared-words.ts'
import type { Channel } from './channel.ts'
import { errorOf } from './error-codec.ts'
import { HeldLocks } from './held-locks.ts'
import { HubPulse } from './hub-pulse.ts'
import { LocalObjects } from './local-objects.ts'
import { type Baseline, isQuiet } from './quiet.ts'
import { SpinWatch } from './spin-watch.ts'
import { ThreadRefs } from './thread-refs.ts'

interface Call {
  /** It keeps the program alive. */
  retained: boolean
  /** It was given up: its answer is on its way. */
  forgotten: boolean
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/** An end to the waiting of a blocked thread. */
export interface BlockingLimit {
  readonly timeoutMs: number
  /** What to throw when the time is over before the answer. */
  expired(): Error
}

type Handler = (message: HubMessage) => void

/** Told when something becomes pending and when nothing is, so that the event loop can end. */
export interface Keeper {
  retain(): void
  release(): void
}

export class HubClient {
  readonly channel: Channel
  /** Number at its hub; its routines' ids are counted from `id` times `routinesPerClient`. */
  readonly id: number
  /** Frames and letters of the hub taken so far: tells it whether this thread has seen all. */
  deliveries = 0
  readonly keeper: Keeper
  readonly heldLocks = new HeldLocks()
  /** Objects that this thread reads by itself. */
  readonly objects: LocalObjects
  readonly refs: ThreadRefs
  readonly #spin: SpinWatch
  #calls = new Map<number, Call>()
  #nextCall = 1
  #handlers = new Map<string, Handler>()
  #letterTaken: (() => void) | undefined
  #lost: GoawayError | undefined
  #lostListeners = new Set<(error: GoawayError) => void>()
  /**
   * Frames that a blocking call found before its own answer: for the next turn of the event loop.
   */
  #early: PortFrame[] = []
  /** Takes the messages of a frame; a pool thread has more to do with them than to dispatch. */
  deliver: (messages: readonly Message[]) => void = (messages) => {
    for (const message of messages) this.dispatch(message as HubMessage)
  }

  constructor(id: number, channel: Channel, keeper: Keeper, clock: Clock = realClock) {
    this.id = id
    this.channel = channel
    const { hubWords, shared } = channel
    this.objects = new LocalObjects({ hubWords, threadWords: shared.words }, clock)
    this.refs = new ThreadRefs(this)
    this.#spin = new SpinWatch(channel.shared.words, wordAnswer)
    this.keeper = keeper
  }

  /** Answers the hub's rounds of questions, once this turn of the event loop is over. */
  answerWhetherQuiet(baseline: () => Baseline): void {
    this.on('quiet?', (message) => {
      if (message[0] !== 'quiet?') return
      const round = message[1]
      const answer = (): void => {
        if (this.#lost === undefined) this.channel.send(['quiet', round, isQuiet(baseline())])
      }
      // The second turn: in the first the thread's own look at what is parked is still open.
      setImmediate(() => setImmediate(answer))
    })
  }

  /** Why there is no hub any more, if there is none. */
  get lost(): GoawayError | undefined {
    return this.#lost
  }

  /** Called when a blocking call has been answered: one more delivery that brings no frame. */
  onLetter(listener: () => void): void {
    this.#letterTaken = listener
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

  /** Tells as a handle that blocks: where nobody may block, it is refused as well. */
  tellBlocking(owner: number, operation: Operation): void {
    if (this.#lost !== undefined) throw this.#lost
    this.channel.send(['tell', owner, operation])
  }

  /**
   * Asks and comes back at once; returns the call's number, for {@link forget}.
   *
   * @param background it keeps the program alive only until it is known to wait for something
   */
  ask(
    owner: number,
    operation: Operation,
    resolve: (answer: Answer) => void,
    reject: (error: unknown) => void,
    background = false,
  ): number {
    if (this.#lost !== undefined) {
      reject(this.#lost)
      return 0
    }
    const call = this.#nextCall++
    this.#calls.set(call, { resolve, reject, retained: true, forgotten: false })
    this.keeper.retain()
    if (background) this.channel.send(['relieve', call])
    this.channel.send(['ask', call, false, owner, operation, false])
    return call
  }

  askAsync(owner: number, operation: Operation): Promise<Answer> {
    return new Promise((resolve, reject) => this.ask(owner, operation, resolve, reject))
  }

  /** Stops waiting for an answer; the call is then refused, unless its answer was on its way. */
  forget(id: number): void {
    const call = this.#calls.get(id)
    if (this.#lost !== undefined || call === undefined) return
    // From now on there is an answer to wait for, also for a call that waited in the background.
    call.forgotten = true
    if (!call.retained) {
      call.retained = true
      this.keeper.retain()
    }
    this.channel.send(['forget', id])
  }

  /** Asks and blocks this thread until the answer is there. Throws what the hub refuses with. */
  askBlocking(owner: number, operation: Operation, limit?: BlockingLimit): Answer {
    if (this.#lost !== undefined) throw this.#lost
    const call = this.#nextCall++
    const { words } = this.channel.shared
    const before = Atomics.load(words, wordAnswer)
    this.channel.send(['ask', call, true, owner, operation, limit !== undefined])
    const gaveUp = this.#waitForAnswer(before, call, limit?.timeoutMs ?? Infinity)
    const message = this.#openLetter()
    if (message[0] === 'answer') return message[2]
    if (message[0] === 'refuse') {
      const error = errorOf(message[2])
      throw gaveUp && error.code === 'ERR_GOAWAY_TIMEOUT' ? limit?.expired() : error
    }
    throw new GoawayError('ERR_GOAWAY_PROTOCOL', `Unexpected answer: ${message[0]}`)
  }

  /** Comes back when the answer is there; true if the time was over before. */
  #waitForAnswer(before: number, call: number, timeoutMs: number): boolean {
    const { words } = this.channel.shared
    const maySpin = Atomics.load(this.channel.hubWords, wordSpin) === 1
    if (maySpin && this.#spin.watch(before)) return false
    const pulse = new HubPulse(this.channel.hubWords)
    const deadline = timeoutMs === Infinity ? Infinity : performance.now() + timeoutMs
    let gaveUp = false
    for (;;) {
      const left = gaveUp ? Infinity : deadline - performance.now()
      if (left <= 0) {
        // The hub's answer decides: it may have been on its way.
        gaveUp = true
        this.channel.send(['forget', call])
        continue
      }
      // The hub wakes only a thread that says it sleeps: a needless wake-up costs it 15 µs.
      Atomics.store(words, wordSleeping, 1)
      Atomics.wait(words, wordAnswer, before, Math.min(left, pulseLookMs))
      Atomics.store(words, wordSleeping, 0)
      if (Atomics.load(words, wordAnswer) !== before) return gaveUp
      if (pulse.isGone()) {
        const error = hubLost()
        this.lose(error)
        throw error
      }
    }
  }

  #openLetter(): HubMessage {
    this.deliveries++
    this.#letterTaken?.()
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
    this.deliver(openFrame(frame))
  }

  /** Acts on one message of the hub. */
  dispatch(message: HubMessage): void {
    switch (message[0]) {
      case 'answer':
        return this.#settle(message[1])?.resolve(message[2])
      case 'refuse':
        return this.#settle(message[1])?.reject(errorOf(message[2]))
      case 'waits':
        return this.#relieve(this.#calls.get(message[1]))
      case 'lockLost':
        return this.heldLocks.lose(message[1], message[2], errorOf(message[3]) as GoawayError)
      case 'writeRefused':
        // Nobody awaits it, and nobody is to miss it.
        return process.emitWarning(errorOf(message[1]) as Error)
      default:
        this.#handlers.get(message[0])?.(message)
    }
  }

  #settle(id: number): Call | undefined {
    const call = this.#calls.get(id)
    if (call !== undefined) {
      this.#calls.delete(id)
      this.#release(call)
    }
    return call
  }

  #relieve(call: Call | undefined): void {
    if (call?.forgotten === false) this.#release(call)
  }

  #release(call: Call | undefined): void {
    if (call?.retained !== true) return
    call.retained = false
    this.keeper.release()
  }

  /** The hub is gone: everything pending rejects, and so does everything later. */
  lose(error: GoawayError): void {
    if (this.#lost !== undefined) return
    this.#lost = error
    this.objects.end()
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    for (const call of calls) {
      this.#release(call)
      call.reject(error)
    }
    this.heldLocks.loseAll(error)
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
