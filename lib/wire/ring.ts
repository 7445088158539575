/**
 * A ring of bytes in shared memory, from one thread to its hub: one producer, one consumer. What
 * the thread puts in is there for the hub at once, also when the thread then computes for seconds
 * without returning to its event loop, and it costs no message.
 *
 * Order with the thread's port, which carries what does not fit: each entry tells how many port
 * frames went before it; and when a frame is there, all entries that went before it are. Positions
 * count bytes modulo 2^32; an entry is `[length][frames before]` and its bytes, padded to 8, never
 * wrapped.
 */
import { ringCapacityBytes } from '../limits.ts'

const headerBytes = 8
const controlBytes = 16
const skip = -1

export const ringBytes = controlBytes + ringCapacityBytes

export class Ring {
  /** [head, tail]: read by the other side, so only touched with Atomics. */
  readonly #control: Int32Array
  readonly #headers: Int32Array
  readonly #bytes: Uint8Array
  #head = 0
  #tail = 0

  constructor(buffer: SharedArrayBuffer, offset: number) {
    this.#control = new Int32Array(buffer, offset, 2)
    this.#headers = new Int32Array(buffer, offset + controlBytes, ringCapacityBytes / 4)
    this.#bytes = new Uint8Array(buffer, offset + controlBytes, ringCapacityBytes)
    this.#head = Atomics.load(this.#control, 0)
    this.#tail = Atomics.load(this.#control, 1)
  }

  /** Producer: puts an entry in; false when there is no room for it now. */
  push(bytes: Uint8Array, framesBefore: number): boolean {
    const size = headerBytes + ((bytes.byteLength + 7) & ~7)
    if (size > ringCapacityBytes / 4) return false
    let at = this.#tail & (ringCapacityBytes - 1)
    const gap = at + size > ringCapacityBytes ? ringCapacityBytes - at : 0
    const used = (this.#tail - Atomics.load(this.#control, 0)) | 0
    if (used + gap + size > ringCapacityBytes) return false
    if (gap > 0) {
      this.#headers[at >> 2] = skip
      at = 0
    }
    this.#headers[at >> 2] = bytes.byteLength
    this.#headers[(at >> 2) + 1] = framesBefore
    this.#bytes.set(bytes, at + headerBytes)
    this.#tail = (this.#tail + gap + size) | 0
    Atomics.store(this.#control, 1, this.#tail)
    return true
  }

  /** Consumer: the frames that go before the next entry, or undefined if there is none. */
  peek(): number | undefined {
    if (Atomics.load(this.#control, 1) === this.#head) return undefined
    let at = this.#head & (ringCapacityBytes - 1)
    if (this.#headers[at >> 2] === skip) {
      this.#head = (this.#head + ringCapacityBytes - at) | 0
      at = 0
    }
    return this.#headers[(at >> 2) + 1] as number
  }

  /** Consumer: takes the entry that {@link peek} saw. The bytes are a copy. */
  take(): Uint8Array {
    const at = this.#head & (ringCapacityBytes - 1)
    const length = this.#headers[at >> 2] as number
    const bytes = this.#bytes.slice(at + headerBytes, at + headerBytes + length)
    this.#head = (this.#head + headerBytes + ((length + 7) & ~7)) | 0
    Atomics.store(this.#control, 0, this.#head)
    return bytes
  }
}
