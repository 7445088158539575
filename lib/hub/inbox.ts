/**
 * The hub's end of a thread's channel: takes messages from the ring and the port in the order sent.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { decodeOne, openFrame, type PortFrame } from '../wire/frame.ts'
import type { Message, ThreadPort } from '../wire/messages.ts'
import type { Ring } from '../wire/ring.ts'

export class Inbox {
  readonly #receive: () => { message: unknown } | undefined
  readonly #ring: Ring
  readonly #frames: PortFrame[] = []
  #framesTaken = 0

  constructor(port: ThreadPort, ring: Ring) {
    const { receive } = port
    this.#receive =
      receive === undefined
        ? () => receiveMessageOnPort(port as unknown as MessagePort)
        : receive.bind(port)
    this.#ring = ring
  }

  /** A frame that the event loop delivered; anything else is a mere wake-up. */
  delivered(frame: unknown): void {
    if (frame !== 0) this.#frames.push(frame as PortFrame)
  }

  take(): Message | undefined {
    if (this.#ringIsNext()) return decodeOne(this.#ring.take())
    while (this.#frames.length === 0) {
      const received = this.#receive()
      if (received === undefined) return undefined
      this.delivered(received.message)
    }
    // What went into the ring before this frame is there by now.
    if (this.#ringIsNext()) return decodeOne(this.#ring.take())
    this.#framesTaken = (this.#framesTaken + 1) | 0
    return openFrame(this.#frames.shift() as PortFrame)[0]
  }

  #ringIsNext(): boolean {
    return this.#ring.peek() === this.#framesTaken
  }
}
