/**
 * A value with large memory in it, as bytes: its structure by V8's serializer, in which each large
 * ArrayBuffer is a mere number, and behind it the content of the buffers, which is so copied once
 * when it is written and once when it is read.
 *
 * Layout: the tag in a byte, 3 of nothing, the count of the buffers (4 bytes), the length of the
 * structure and that of each buffer (8 bytes each, as doubles), the structure, the buffers.
 * Numbers are little-endian.
 */
import { Deserializer, Serializer } from 'node:v8'
import { storedInlineBytesMax } from '../limits.ts'

const headBytes = 8
const lengthBytes = 8

/** Memory for an encoded value: what is large is shared, so that no post copies it. */
function memoryFor(bytes: number): Uint8Array {
  return bytes <= storedInlineBytesMax
    ? new Uint8Array(bytes)
    : new Uint8Array(new SharedArrayBuffer(bytes))
}

/**
 * Undefined if it takes more than `bytesMax`. Throws what the serializer throws.
 *
 * @param contents by each large buffer of the value, what is in it
 */
export function writeBulk(
  value: unknown,
  tag: number,
  contents: ReadonlyMap<ArrayBuffer, Uint8Array>,
  bytesMax: number,
): Uint8Array | undefined {
  const serializer = new Serializer()
  let id = 0
  for (const buffer of contents.keys()) serializer.transferArrayBuffer(id++, buffer)
  serializer.writeHeader()
  serializer.writeValue(value)
  const structure = serializer.releaseBuffer()
  const start = headBytes + lengthBytes * (1 + contents.size)
  let total = start + structure.length
  for (const content of contents.values()) total += content.length
  if (total > bytesMax) return undefined
  const bytes = memoryFor(total)
  const head = new DataView(bytes.buffer, 0, start)
  head.setUint8(0, tag)
  head.setUint32(4, contents.size, true)
  head.setFloat64(headBytes, structure.length, true)
  bytes.set(structure, start)
  let lengthAt = headBytes + lengthBytes
  let at = start + structure.length
  for (const content of contents.values()) {
    head.setFloat64(lengthAt, content.length, true)
    bytes.set(content, at)
    lengthAt += lengthBytes
    at += content.length
  }
  return bytes
}

/** The value, with memory of its own. Throws what the deserializer throws, or a RangeError. */
export function readBulk(bytes: Uint8Array): unknown {
  const head = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = head.getUint32(4, true)
  const start = headBytes + lengthBytes * (1 + count)
  const structureBytes = head.getFloat64(headBytes, true)
  const deserializer = new Deserializer(within(bytes, start, structureBytes))
  let at = start + structureBytes
  for (let id = 0; id < count; id++) {
    const length = head.getFloat64(headBytes + lengthBytes * (1 + id), true)
    const content = within(bytes, at, length)
    const buffer = new ArrayBuffer(length)
    new Uint8Array(buffer).set(content)
    deserializer.transferArrayBuffer(id, buffer)
    at += length
  }
  deserializer.readHeader()
  return deserializer.readValue()
}

/**
 * The structure behind the tag, and each large buffer by itself in shared memory. Throws what the
 * serializer throws.
 */
export function writeApart(
  value: unknown,
  tag: number,
  contents: ReadonlyMap<ArrayBuffer, Uint8Array>,
): [structure: Uint8Array, ...memory: Uint8Array[]] {
  const serializer = new Serializer()
  serializer.writeRawBytes(Uint8Array.of(tag))
  let id = 0
  for (const buffer of contents.keys()) serializer.transferArrayBuffer(id++, buffer)
  serializer.writeHeader()
  serializer.writeValue(value)
  const structure = new Uint8Array(serializer.releaseBuffer())
  return [structure, ...[...contents.values()].map(sharedCopy)]
}

/** The bytes in shared memory of their own. */
export function sharedCopy(content: Uint8Array): Uint8Array<SharedArrayBuffer> {
  const copy = new Uint8Array(new SharedArrayBuffer(content.length))
  // `set` into shared memory copies word by word: five times slower.
  Buffer.from(content.buffer, content.byteOffset, content.byteLength).copy(copy)
  return copy
}

/**
 * What {@link writeApart} wrote; `shared`: over that very memory. Throws what the deserializer
 * throws.
 */
export function readApart(
  structure: Uint8Array,
  memory: readonly SharedArrayBuffer[],
  shared: boolean,
): unknown {
  const deserializer = new Deserializer(structure.subarray(1))
  for (const [id, buffer] of memory.entries()) {
    deserializer.transferArrayBuffer(id, shared ? (buffer as never) : ownCopy(buffer))
  }
  deserializer.readHeader()
  return deserializer.readValue()
}

function ownCopy(memory: SharedArrayBuffer): ArrayBuffer {
  const copy = new ArrayBuffer(memory.byteLength)
  Buffer.from(memory).copy(new Uint8Array(copy))
  return copy
}

/** Nothing is made of the size that a stranger tells before it is known to be there. */
function within(bytes: Uint8Array, at: number, length: number): Uint8Array {
  if (!Number.isSafeInteger(length) || length < 0 || at + length > bytes.length) {
    throw new RangeError(`a length of ${length} at byte ${at} of ${bytes.length}`)
  }
  return bytes.subarray(at, at + length)
}
