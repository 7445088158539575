/** A client of the hub: one thread, with its port, its shared words, and what it waits for. */
import { dropPayload } from '../client/payload.ts'
import { burstGapMs, burstRoutines, letterBytesMax } from '../limits.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import { encodeFrame, encodeOne, postFrame } from '../wire/frame.ts'
import type {
  Answer,
  FunctionAddress,
  HubMessage,
  RoutineTerms,
  RunMessage,
  ThreadPort,
} from '../wire/messages.ts'
import {
  type ThreadWords,
  wordAnswer,
  wordAnswerBytes,
  wordAnswerPlace,
  wordSleeping,
  wordTaken,
  wordTakenCausal,
  wordWritten,
} from '../wire/shared-words.ts'
import { Inbox } from './inbox.ts'

/** A call that has no answer yet because it waits for something to happen. */
export interface WaitingCall {
  readonly owner: number
  readonly blocking: boolean
  /** Its thread will give up by itself. */
  readonly limited: boolean
  /** Orders the calls of all threads by when they began to wait. */
  readonly since: number
}

export class Session {
  readonly client: number
  /** Number of its thread in the pool; 0 for the program's own. */
  readonly thread: number
  readonly port: ThreadPort
  readonly words: ThreadWords
  readonly inbox: Inbox
  readonly functions = new Map<number, FunctionAddress>()
  readonly terms = new Map<number, RoutineTerms>()
  /** Routines it has submitted that are not settled, and the `graceMs` of each. */
  readonly routines = new Map<number, number>()
  readonly waiting = new Map<number, WaitingCall>()
  /** Calls that keep the program alive until it is told that they wait. */
  readonly relieved = new Set<number>()
  /** Routines that are to stop and know it, as a call of theirs was refused for that reason. */
  readonly told = new Set<number>()
  /** The call in which it is blocked, 0 for none. */
  blockingCall = 0
  /** That call has a limit of time. */
  blockingLimited = false
  #outbox: (HubMessage | RunMessage)[] = []
  #deliveries = 0
  #flushedAt = 0

  constructor(client: number, thread: number, port: ThreadPort, words: ThreadWords) {
    this.client = client
    this.thread = thread
    this.port = port
    this.words = words
    this.inbox = new Inbox(port, words.ring)
  }

  /** Frames and letters sent, and the one that is being filled. */
  get deliveries(): number {
    return this.#deliveries + (this.#outbox.length > 0 ? 1 : 0)
  }

  /** Its thread is blocked in this call; `limited`: it will give up by itself. */
  blocks(call: number, limited: boolean): void {
    this.blockingCall = call
    this.blockingLimited = limited
  }

  send(message: HubMessage | RunMessage): void {
    this.#outbox.push(message)
  }

  /** Its thread is gone: what nobody will read any more is let go. */
  close(): void {
    for (const message of this.#outbox) {
      const [kind, , payload] = message
      if (kind === 'arguments' || kind === 'result' || kind === 'value') dropPayload(payload)
    }
    this.#outbox = []
    this.port.close()
  }

  /**
   * Posts what there is. A post costs as much as some ten routines, so while many results are on
   * their way to this thread, those of a moment go together.
   *
   * @returns whether anything was posted
   */
  flush(now: number): boolean {
    if (this.#outbox.length === 0) return false
    if (this.routines.size >= burstRoutines && now - this.#flushedAt < burstGapMs) return false
    if (now !== Infinity) this.#flushedAt = now
    const messages = this.#outbox
    this.#outbox = []
    this.#deliveries++
    postFrame(this.port, messages)
    return true
  }

  /** One more of its one-way writes to that store has taken effect, or was refused. */
  taken(store: string, error?: ErrorRecord): void {
    Atomics.add(this.words.words, store === 'weak' ? wordTaken : wordTakenCausal, 1)
    if (error !== undefined) this.send(['writeRefused', error])
  }

  answer(call: number, answer: Answer): void {
    this.#reply(call, ['answer', call, answer])
  }

  refuse(call: number, error: ErrorRecord): void {
    this.#reply(call, ['refuse', call, error])
  }

  #reply(call: number, message: HubMessage): void {
    this.waiting.delete(call)
    this.relieved.delete(call)
    if (call === this.blockingCall) this.#letter(message)
    else this.send(message)
  }

  /** So many bytes of what its thread printed have been written. */
  written(bytes: number): void {
    Atomics.add(this.words.words, wordWritten, bytes)
    Atomics.notify(this.words.words, wordWritten)
  }

  wake(): void {
    Atomics.notify(this.words.words, wordAnswer)
  }

  /** Answers a blocked thread: in its letter box if the answer fits, else on its port. */
  #letter(message: HubMessage): void {
    this.blockingCall = 0
    this.#deliveries++
    const { words, letter } = this.words
    const bytes = encodeOne(message)
    if (bytes !== undefined && bytes.byteLength <= letterBytesMax) {
      letter.set(bytes)
      Atomics.store(words, wordAnswerBytes, bytes.byteLength)
      Atomics.store(words, wordAnswerPlace, 0)
    } else {
      const frame = encodeFrame([message])
      this.port.postMessage(['letter', frame.bytes, ...frame.attachments])
      Atomics.store(words, wordAnswerPlace, 1)
    }
    Atomics.add(words, wordAnswer, 1)
    if (Atomics.load(words, wordSleeping) === 1) Atomics.notify(words, wordAnswer)
  }
}
