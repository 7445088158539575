/**
 * Checks and encodes plain data in one walk, as MessagePack. It reads every property once, so that
 * what was checked is what travels, and gives up at the first thing it could not bring back exactly
 * (a Map, a shared reference, a hole): the caller then takes the slow way, which says why.
 *
 * The state lies in the module, because a closure a call would cost more than the call itself.
 */
import { isProxy } from 'node:util/types'
import { valueDepthMax } from '../limits.ts'

/** The buffer that is kept between calls. */
const keptBytes = 64 * 1024
/** Up to here objects met are compared one by one; beyond, a Set is faster. */
const listedMax = 16
/** Up to here a string is written character by character; beyond, a native call is faster. */
const shortStringMax = 31

let target = Buffer.allocUnsafeSlow(keptBytes)
let view = new DataView(target.buffer)
let position = 0
let bytesMax = 0
let busy = false
const listed: (object | undefined)[] = new Array(listedMax).fill(undefined)
let listedCount = 0
let met: Set<object> | undefined

/**
 * The value as bytes of its own behind the tag, or undefined if it is not plain, or larger than
 * `limit` bytes.
 */
export function writePlain(value: unknown, tag: number, limit: number): Uint8Array | undefined {
  // A getter may itself encode something: that one takes the slow way.
  if (busy) return undefined
  busy = true
  position = 0
  bytesMax = limit
  try {
    target[position++] = tag
    if (!writeValue(value, 0) || position > limit) return undefined
    return copyOut()
  } catch {
    // A getter threw, or a trap: the slow way meets it again and says where.
    return undefined
  } finally {
    busy = false
    forget()
  }
}

function copyOut(): Uint8Array {
  if (position > 32) return new Uint8Array(target.subarray(0, position))
  const bytes = new Uint8Array(position)
  for (let index = 0; index < position; index++) bytes[index] = target[index] as number
  return bytes
}

function forget(): void {
  for (let index = 0; index < listedCount; index++) listed[index] = undefined
  listedCount = 0
  met = undefined
  if (target.length > keptBytes) useTarget(Buffer.allocUnsafeSlow(keptBytes))
}

function useTarget(buffer: Buffer<ArrayBuffer>): void {
  target = buffer
  view = new DataView(target.buffer)
}

/** Room for so many bytes more; false where that would be over the limit. */
function reserve(bytes: number): boolean {
  const needed = position + bytes
  if (needed <= target.length) return true
  // Up to 16 bytes are reserved before it is known how few are needed: the end is checked again.
  if (needed > bytesMax + 16) return false
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, target.length * 2))
  larger.set(target.subarray(0, position))
  useTarget(larger)
  return true
}

function writeValue(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'number':
      return writeNumber(value)
    case 'string':
      return writeString(value)
    case 'object':
      return value === null ? writeByte(0xc0) : writeObject(value, depth + 1)
    case 'boolean':
      return writeByte(value ? 0xc3 : 0xc2)
    case 'undefined':
      return writeHeader(0xd4, 0, 2)
    case 'bigint':
      return writeBigint(value)
    default:
      return false
  }
}

function writeByte(byte: number): boolean {
  if (!reserve(1)) return false
  target[position++] = byte
  return true
}

/** A token and its operand of 1, 2 or 4 bytes. */
function writeHeader(token: number, operand: number, width: 1 | 2 | 4): boolean {
  if (!reserve(5)) return false
  target[position++] = token
  if (width === 1) target[position] = operand
  else if (width === 2) view.setUint16(position, operand)
  else view.setUint32(position, operand)
  position += width
  return true
}

function writeNumber(value: number): boolean {
  if (!reserve(9)) return false
  // Only a float can be -0.
  if ((value | 0) === value && (value !== 0 || Object.is(value, 0))) {
    if (value >= -32 && value < 128) target[position++] = value & 0xff
    else {
      target[position] = 0xd2
      view.setInt32(position + 1, value)
      position += 5
    }
    return true
  }
  target[position] = 0xcb
  view.setFloat64(position + 1, value)
  position += 9
  return true
}

function writeBigint(value: bigint): boolean {
  if (!reserve(9) || BigInt.asIntN(64, value) !== value) return false
  target[position] = 0xd3
  view.setBigInt64(position + 1, value)
  position += 9
  return true
}

function writeString(value: string): boolean {
  const length = value.length
  if (length <= shortStringMax && writeShort(value, length)) return true
  if (length > bytesMax || !isWellFormed(value)) return false
  // Three bytes a character suffice; the exact count matters only where the room would not.
  const bytes = length < 1024 ? length * 3 : Buffer.byteLength(value)
  if (!reserve(bytes + 5)) return false
  target[position] = 0xdb
  const written = target.write(value, position + 5)
  view.setUint32(position + 1, written)
  position += 5 + written
  return true
}

/** Writes it if it is ASCII. */
function writeShort(value: string, length: number): boolean {
  if (!reserve(length + 1)) return false
  for (let index = 0; index < length; index++) {
    const character = value.charCodeAt(index)
    if (character >= 0x80) return false
    target[position + 1 + index] = character
  }
  target[position] = 0xa0 | length
  position += length + 1
  return true
}

function writeObject(value: object, depth: number): boolean {
  if (depth > valueDepthMax || isProxy(value) || !isFirstMet(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (Array.isArray(value)) return prototype === Array.prototype && writeArray(value, depth)
  return prototype === Object.prototype && writeRecord(value as Record<string, unknown>, depth)
}

function writeArray(value: readonly unknown[], depth: number): boolean {
  const length = value.length
  // Each takes a byte at least: a large array need not be tried.
  if (length > bytesMax) return false
  // Unlike `keys`, `values` makes no string of each index, and it reads each element once.
  const elements = Object.values(value)
  if (elements.length !== length || Object.getOwnPropertySymbols(value).length > 0) return false
  if (!(length < 16 ? writeByte(0x90 | length) : writeHeader(0xdd, length, 4))) return false
  for (let index = 0; index < length; index++) {
    // As many values as the length says need not be dense: a named one may make up for a hole.
    if (!(index in value)) return false
    if (!writeValue(elements[index], depth)) return false
  }
  return true
}

function writeRecord(value: Record<string, unknown>, depth: number): boolean {
  const keys = Object.keys(value)
  const length = keys.length
  if (Object.getOwnPropertySymbols(value).length > 0) return false
  if (!(length < 16 ? writeByte(0x80 | length) : writeHeader(0xdf, length, 4))) return false
  for (let index = 0; index < length; index++) {
    const key = keys[index] as string
    if (key === '__proto__' || !writeString(key)) return false
    if (!writeValue(value[key], depth)) return false
  }
  return true
}

/** False for an object that was met before: a reference that is shared, or a cycle. */
function isFirstMet(value: object): boolean {
  if (met !== undefined) {
    if (met.has(value)) return false
    met.add(value)
    return true
  }
  for (let index = 0; index < listedCount; index++) if (listed[index] === value) return false
  if (listedCount < listedMax) listed[listedCount++] = value
  else met = new Set(listed as object[]).add(value)
  return true
}

/** Without lone surrogates, which UTF-8 cannot carry. */
export function isWellFormed(text: string): boolean {
  // Node 20 has it; the library of types that we compile against does not know it yet.
  return (text as string & { isWellFormed(): boolean }).isWellFormed()
}
