/**
 * Writes what routines printed at other nodes, whole lines with the node's name before them. The
 * hub must not wait for a terminal, so it writes in the background, one piece after the other.
 */
import { write } from 'node:fs'
import { outputLineBytesMax } from '../limits.ts'

const lineFeed = 0x0a
/** A terminal that takes nothing is asked again. */
const retryMs = 5

interface Piece {
  readonly descriptor: number
  readonly bytes: Uint8Array
  done(): void
}

type Write = (
  descriptor: number,
  bytes: Uint8Array,
  at: number,
  callback: (error: NodeJS.ErrnoException | null, written: number) => void,
) => void

const writeFile: Write = (descriptor, bytes, at, callback) =>
  write(descriptor, bytes, at, bytes.byteLength - at, null, callback)

export class Output {
  readonly #write: Write
  readonly #queue: Piece[] = []
  /** Begun lines by node, thread and descriptor. */
  readonly #begun = new Map<string, Uint8Array>()
  #writing = false
  #whenEmpty: (() => void)[] = []

  constructor(write = writeFile) {
    this.#write = write
  }

  /** @param done called when the bytes were written, or kept as the beginning of a line */
  print(
    from: { readonly name: string; readonly client: number },
    descriptor: number,
    bytes: Uint8Array,
    done: () => void,
  ): void {
    const key = `${from.client} ${descriptor} ${from.name}`
    const begun = this.#begun.get(key)
    const text = begun === undefined ? bytes : Buffer.concat([begun, bytes])
    let end = text.lastIndexOf(lineFeed) + 1
    if (text.byteLength - end > outputLineBytesMax) end = text.byteLength
    if (end === text.byteLength) this.#begun.delete(key)
    // Of its own, so that the message it came in can be let go.
    else this.#begun.set(key, text.slice(end))
    if (end === 0) return done()
    this.#queue.push({ descriptor, bytes: withName(from.name, text.subarray(0, end)), done })
    this.#next()
  }

  /** A node is gone, or everything ends: lines that were begun are written as they are. */
  finish(name?: string): Promise<void> {
    for (const [key, bytes] of [...this.#begun]) {
      const [, descriptor, ...rest] = key.split(' ')
      const from = rest.join(' ')
      if (name !== undefined && from !== name) continue
      this.#begun.delete(key)
      const line = withName(from, Buffer.concat([bytes, Uint8Array.of(lineFeed)]))
      this.#queue.push({ descriptor: Number(descriptor), bytes: line, done() {} })
    }
    this.#next()
    if (!this.#writing) return Promise.resolve()
    return new Promise((resolve) => this.#whenEmpty.push(resolve))
  }

  #next(): void {
    if (this.#writing) return
    const piece = this.#queue.shift()
    if (piece === undefined) {
      for (const resolve of this.#whenEmpty.splice(0)) resolve()
      return
    }
    this.#writing = true
    this.#from(piece, 0)
  }

  #from(piece: Piece, at: number): void {
    this.#write(piece.descriptor, piece.bytes, at, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#from(piece, at), retryMs)
        return
      }
      // A terminal that is gone takes nothing any more; the routines go on.
      if (error === null && at + written < piece.bytes.byteLength) {
        return this.#from(piece, at + written)
      }
      this.#writing = false
      piece.done()
      this.#next()
    })
  }
}

/** Each line with the name before it. */
function withName(name: string, lines: Uint8Array): Uint8Array {
  const prefix = Buffer.from(`[${name}] `)
  const parts: Uint8Array[] = []
  for (let at = 0; at < lines.byteLength; ) {
    const feed = lines.indexOf(lineFeed, at)
    const end = feed < 0 ? lines.byteLength : feed + 1
    parts.push(prefix, lines.subarray(at, end))
    at = end
  }
  return Buffer.concat(parts)
}
