/**
 * How values travel: checked and encoded once, by the thread that gives them.
 *
 * Rules: a value arrives equal to what was given, or is refused where it is given. Plain data goes
 * as MessagePack; what that cannot carry exactly goes by V8's serializer, or, where it is large or
 * must be moved or shared, by a message port. What was read when it was checked is what travels.
 *
 * Known differences at the other end: a RegExp starts at `lastIndex` 0; a user's subclass of Error
 * is its nearest builtin class with the subclass's name; a DOMException inside a value is an Error
 * with its name; two partial views of one buffer have memories of their own; what is not enumerable
 * stays behind, as in structured clone.
 */
import { Deserializer, Serializer } from 'node:v8'
import { GoawayError } from '../errors.ts'
import { inlineBytesMax, storedInlineBytesMax, valueBytesMax } from '../limits.ts'
import type { EncodedValue, InlineValue } from '../wire/messages.ts'
import { readBulk, sharedCopy, writeBulk } from './bulk-value.ts'
import type { Baggage, CopyRules } from './copy-rules.ts'
import { readPlain } from './plain-reader.ts'
import { isWellFormed, writePlain } from './plain-writer.ts'
import { copyValue } from './value-copy.ts'
import { refuse } from './value-refusal.ts'
import { applyRepairs, type Repairs } from './value-repairs.ts'

export type { Repairs } from './value-repairs.ts'

export type { EncodedValue, InlineValue }

/**
 * Arguments or a result. A clone is posted whole, `port.postMessage(packed, transfer)`: its repairs
 * refer to objects within the clone, and the references hold only inside one message.
 */
export type PackedCall =
  | { readonly bytes: Uint8Array }
  | { readonly clone: unknown; readonly repairs: Repairs | undefined }

/** The first byte says how the rest is encoded. */
export const tagPlain = 1
/** By V8, of plain objects and arrays only. */
const tagGraph = 2
/** By V8, with something in it that cannot be frozen. */
const tagUnfreezable = 3
/** By V8, with its large buffers behind it. */
const tagBulk = 4

/** A stored string up to so many characters is not encoded. */
const inlineCharactersMax = 1024

/**
 * Encodes a value that is to be stored.
 *
 * @param where what messages call the value, such as `field "x"`
 * @throws {GoawayError} ERR_GOAWAY_VALUE for what cannot be stored, naming its path
 */
export function encodeStored(value: unknown, where: string): EncodedValue {
  if (isInline(value)) return value
  const bytes =
    writePlain(value, tagPlain, valueBytesMax) ?? writeStoredGraph(value, { where, stored: true })
  return inSharedMemory(bytes)
}

/** Over shared memory, so that posting it to every thread that reads it copies nothing. */
export function inSharedMemory(bytes: Uint8Array): Uint8Array {
  return bytes.length <= storedInlineBytesMax ? bytes : sharedCopy(bytes)
}

/**
 * Decodes a stored value. One that is `shareable` is frozen throughout, so that one decoding serves
 * all readers; any other is the reader's own.
 */
export function decodeStored(encoded: EncodedValue): { value: unknown; shareable: boolean } {
  if (!(encoded instanceof Uint8Array)) return { value: encoded, shareable: true }
  if (encoded[0] === tagPlain) return { value: readPlain(encoded, 1, true), shareable: true }
  const value = readGraph(encoded)
  if (encoded[0] === tagUnfreezable) return { value, shareable: false }
  deepFreeze(value)
  return { value, shareable: true }
}

/**
 * Packs the arguments (an array) or the result of a routine.
 *
 * @param where what messages call the value; `argument` names the elements `argument 1` and so on
 * @param transfer objects that are moved, as in `postMessage`
 * @param baggage left out: there may be no refs in it
 * @throws {GoawayError} ERR_GOAWAY_VALUE for what cannot be passed, naming its path
 */
export function packCall(
  values: unknown,
  where: string,
  transfer?: readonly object[],
  baggage?: Baggage,
): PackedCall {
  const moves = transfer !== undefined && transfer.length > 0
  if (!moves) {
    const bytes = writePlain(values, tagPlain, inlineBytesMax)
    if (bytes !== undefined) return { bytes }
  }
  const rules: CopyRules = { where, stored: false, transfer, baggage }
  const { graph, repairs, freezable, cloneOnly, bytes } = copyValue(values, rules)
  if (moves || cloneOnly || bytes > inlineBytesMax) return { clone: graph, repairs }
  return { bytes: writeGraph(graph, repairs, freezable, where) }
}

/**
 * Packs arguments or a result as bytes, however large: they can be read more than once, and leave
 * the process.
 *
 * @param stored what lives in this process alone is refused
 * @returns undefined where only a port can carry it, unless `stored`
 * @throws {GoawayError} ERR_GOAWAY_VALUE
 */
export function encodeCall(
  values: unknown,
  where: string,
  stored: boolean,
  baggage?: Baggage,
): Uint8Array | undefined {
  const plain = writePlain(values, tagPlain, valueBytesMax)
  if (plain !== undefined) return inSharedMemory(plain)
  const rules: CopyRules = { where, stored, asBytes: true, baggage }
  const { graph, repairs, freezable, cloneOnly, contents } = copyValue(values, rules)
  if (cloneOnly) return undefined
  if (contents.size === 0) return inSharedMemory(writeGraph(graph, repairs, freezable, where))
  try {
    const value = repairs === undefined ? [graph] : [graph, repairs]
    const bytes = writeBulk(value, tagBulk, contents, valueBytesMax)
    if (bytes !== undefined) return bytes
  } catch (error) {
    throw refuse(where, [], 'cannot be encoded', 'pass plain data, or less of it', error)
  }
  throw tooLarge(where)
}

/** What {@link packCall} packed, the receiver's own. Call it once: a clone is not copied again. */
export function unpackCall(packed: PackedCall): unknown {
  if ('bytes' in packed) {
    const { bytes } = packed
    return bytes[0] === tagPlain ? readPlain(bytes, 1, false) : readGraph(bytes)
  }
  applyRepairs(packed.repairs)
  return packed.clone
}

function isInline(value: unknown): value is InlineValue {
  switch (typeof value) {
    case 'number':
      return value !== 0 || !Object.is(value, -0)
    case 'string':
      return value.length <= inlineCharactersMax && isWellFormed(value)
    case 'boolean':
    case 'undefined':
      return true
    default:
      return value === null
  }
}

function writeStoredGraph(value: unknown, rules: CopyRules): Uint8Array {
  const { graph, repairs, freezable } = copyValue(value, rules)
  return writeGraph(graph, repairs, freezable, rules.where)
}

/**
 * By V8. The value and its repairs go together, so that these refer to the objects in it.
 */
export function writeGraph(
  graph: unknown,
  repairs: Repairs | undefined,
  freezable: boolean,
  where: string,
): Uint8Array {
  const serializer = new Serializer()
  serializer.writeRawBytes(Uint8Array.of(freezable ? tagGraph : tagUnfreezable))
  serializer.writeHeader()
  try {
    serializer.writeValue(repairs === undefined ? [graph] : [graph, repairs])
  } catch (error) {
    throw refuse(where, [], 'cannot be encoded', 'pass plain data', error)
  }
  const bytes = new Uint8Array(serializer.releaseBuffer())
  if (bytes.length <= valueBytesMax) return bytes
  throw tooLarge(where)
}

function tooLarge(where: string): GoawayError {
  return refuse(where, [], `is larger than ${valueBytesMax} bytes`, 'pass it in parts')
}

function readGraph(bytes: Uint8Array): unknown {
  const [tag] = bytes
  if (tag !== tagGraph && tag !== tagUnfreezable && tag !== tagBulk) {
    throw malformed('unknown encoding')
  }
  try {
    const [graph, repairs] = (tag === tagBulk ? readBulk(bytes) : readSerialized(bytes)) as [
      unknown,
      Repairs?,
    ]
    applyRepairs(repairs)
    return graph
  } catch (error) {
    throw malformed('not what the serializer writes', error)
  }
}

function readSerialized(bytes: Uint8Array): unknown {
  const deserializer = new Deserializer(bytes.subarray(1))
  deserializer.readHeader()
  return deserializer.readValue()
}

export function malformed(what: string, cause?: unknown): GoawayError {
  return new GoawayError('ERR_GOAWAY_PROTOCOL', `decoding a value: ${what}`, { cause })
}

/** Cycles end where an object is frozen already: the decoder makes none that are. */
function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const inner of Object.values(value)) deepFreeze(inner)
}
