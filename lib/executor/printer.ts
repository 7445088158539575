/**
 * What a pool thread prints when its node is not where the program runs: it goes to the hub, and
 * from there to the program's terminal. A terminal that is slow holds up the thread that prints,
 * and nobody else.
 */
import type { Channel } from '../client/channel.ts'
import { outputPieceBytes, outputWindowBytes } from '../limits.ts'
import { wordDead, wordWritten } from '../wire/shared-words.ts'

/** How often a thread that waits looks whether its hub lives. */
const lookMs = 200

export class Printer {
  readonly #channel: Channel
  /** Bytes sent, modulo 2^32. */
  #sent = 0

  constructor(channel: Channel) {
    this.#channel = channel
  }

  print(descriptor: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; at += outputPieceBytes) {
      const piece = bytes.slice(at, at + outputPieceBytes)
      this.#channel.send(['print', descriptor, piece])
      this.#sent = (this.#sent + piece.byteLength) | 0
      this.#waitUntilLeft(outputWindowBytes)
    }
  }

  /** A routine ends: what it printed is to be there before its result is. */
  settle(): void {
    this.#waitUntilLeft(0)
  }

  /** Waits until no more than so many bytes are on their way. */
  #waitUntilLeft(bytes: number): void {
    const { words } = this.#channel.shared
    for (;;) {
      const written = Atomics.load(words, wordWritten)
      if (((this.#sent - written) | 0) <= bytes) return
      Atomics.wait(words, wordWritten, written, lookMs)
      if (Atomics.load(this.#channel.hubWords, wordDead) !== 0) return
    }
  }
}
