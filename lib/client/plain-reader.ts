/**
 * Reads what `plain-writer` wrote, freezing as it goes where that is asked for. Anything else in
 * the bytes, a missing end or a rest throws; no length is believed before its bytes are there.
 */
import { GoawayError } from '../errors.ts'
import { valueDepthMax } from '../limits.ts'

/** Strings up to so many characters are looked up among those read lately: keys mostly. */
const cachedLengthMax = 24
const cacheSize = 1024

const cache: string[] = new Array(cacheSize).fill('')
const scratch = new DataView(new ArrayBuffer(8))
let source: Uint8Array = new Uint8Array(0)
let text: Buffer | undefined
let position = 0
let end = 0
let freezing = false

/** The value in the bytes from `start` on. */
export function readPlain(bytes: Uint8Array, start: number, freeze: boolean): unknown {
  source = bytes
  position = start
  end = bytes.length
  freezing = freeze
  try {
    const value = readValue(0)
    if (position !== end) throw malformed('bytes are left over')
    return value
  } finally {
    source = scratchBytes
    text = undefined
  }
}

const scratchBytes = new Uint8Array(scratch.buffer)

function malformed(what: string): GoawayError {
  return new GoawayError('ERR_GOAWAY_PROTOCOL', `decoding a value: ${what} at byte ${position}`)
}

function readValue(depth: number): unknown {
  const token = readByte()
  if (token < 0x80) return token
  if (token >= 0xe0) return token - 0x100
  if (token < 0x90) return readRecord(token & 0x0f, depth + 1)
  if (token < 0xa0) return readArray(token & 0x0f, depth + 1)
  if (token < 0xc0) return readString(token & 0x1f)
  switch (token) {
    case 0xc0:
      return null
    case 0xc2:
      return false
    case 0xc3:
      return true
    case 0xcb:
      return fill(8).getFloat64(0)
    case 0xd2:
      return fill(4).getInt32(0)
    case 0xd3:
      return fill(8).getBigInt64(0)
    case 0xd4:
      if (readByte() !== 0 || readByte() !== 0) throw malformed('an unknown extension')
      return undefined
    case 0xdb:
      return readString(fill(4).getUint32(0))
    case 0xdd:
      return readArray(fill(4).getUint32(0), depth + 1)
    case 0xdf:
      return readRecord(fill(4).getUint32(0), depth + 1)
    default:
      throw malformed(`the unknown token ${token}`)
  }
}

function readByte(): number {
  if (position >= end) throw malformed('the bytes end')
  return source[position++] as number
}

/** The next bytes in the scratch view: cheaper than a view over each source. */
function fill(count: number): DataView {
  if (count > end - position) throw malformed('the bytes end')
  for (let index = 0; index < count; index++) {
    scratchBytes[index] = source[position + index] as number
  }
  position += count
  return scratch
}

/** Every element takes a byte at least, so that a length without its bytes allocates nothing. */
function checkCount(count: number, bytesEach: number, depth: number): void {
  if (count * bytesEach > end - position) throw malformed('the bytes end')
  if (depth > valueDepthMax) throw malformed(`nesting deeper than ${valueDepthMax}`)
}

function readArray(length: number, depth: number): unknown {
  checkCount(length, 1, depth)
  const array: unknown[] = []
  for (let index = 0; index < length; index++) array.push(readValue(depth))
  return freezing ? Object.freeze(array) : array
}

function readRecord(length: number, depth: number): unknown {
  checkCount(length, 2, depth)
  const record: Record<string, unknown> = {}
  for (let index = 0; index < length; index++) {
    const key = readKey()
    record[key] = readValue(depth)
  }
  return freezing ? Object.freeze(record) : record
}

function readKey(): string {
  const token = readByte()
  if (token !== 0xdb && (token < 0xa0 || token >= 0xc0)) throw malformed('a key that is no string')
  const key = readString(token === 0xdb ? fill(4).getUint32(0) : token & 0x1f)
  if (key === '__proto__') throw malformed('the key __proto__')
  return key
}

function readString(length: number): string {
  if (length > end - position) throw malformed('the bytes end')
  const start = position
  position += length
  if (length === 0) return ''
  if (length > cachedLengthMax) return decodeText(start, length)
  let hash = length
  for (let index = 0; index < length; index++) {
    hash = (hash * 31 + (source[start + index] as number)) | 0
  }
  const slot = hash & (cacheSize - 1)
  const cached = cache[slot] as string
  if (cached.length === length && isAt(cached, start)) return cached
  const decoded = decodeText(start, length)
  // As many characters as bytes: ASCII, which is all that `isAt` can compare.
  if (decoded.length === length) cache[slot] = decoded
  return decoded
}

function isAt(cached: string, start: number): boolean {
  for (let index = 0; index < cached.length; index++) {
    if (cached.charCodeAt(index) !== source[start + index]) return false
  }
  return true
}

function decodeText(start: number, length: number): string {
  text ??= Buffer.from(source.buffer, source.byteOffset, source.byteLength)
  return text.toString('utf8', start, start + length)
}
