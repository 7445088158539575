/**
 * A thread's way to its hub: the ring for what fits, the port for what does not, in one order. What
 * is sent is there for the hub at once; a message wakes it only while it sleeps.
 */
import type { MessagePort } from 'node:worker_threads'
import { encodeFrame, encodeOne } from '../wire/frame.ts'
import type { Message } from '../wire/messages.ts'
import { type ThreadWords, wordAsleep, wordBell } from '../wire/shared-words.ts'

export class Channel {
  readonly port: MessagePort
  readonly shared: ThreadWords
  readonly hubWords: Int32Array
  #framesPosted = 0

  constructor(port: MessagePort, shared: ThreadWords, hubWords: Int32Array) {
    this.port = port
    this.shared = shared
    this.hubWords = hubWords
  }

  send(message: Message): void {
    const bytes = encodeOne(message)
    if (bytes === undefined || !this.shared.ring.push(bytes, this.#framesPosted))
      this.#post(message)
    Atomics.add(this.hubWords, wordBell, 1)
    if (
      Atomics.load(this.hubWords, wordAsleep) === 1 &&
      Atomics.compareExchange(this.hubWords, wordAsleep, 1, 0) === 1
    ) {
      this.port.postMessage(0)
    }
  }

  #post(message: Message): void {
    const { bytes, attachments } = encodeFrame([message])
    const ports = attachments.filter((one) => !(one instanceof SharedArrayBuffer))
    this.#framesPosted = (this.#framesPosted + 1) | 0
    this.port.postMessage([bytes, ...attachments], ports as MessagePort[])
  }
}
