/**
 * A value that is put, as what travels: its structure, and its large memory piece by piece, so that
 * a thread can use that where it lies.
 */
import { storedInlineBytesMax, valueBytesMax } from '../limits.ts'
import type { RefData, SharedRefData } from '../wire/ref-messages.ts'
import { readApart, sharedCopy, writeApart } from './bulk-value.ts'
import { writePlain } from './plain-writer.ts'
import { copyValue } from './value-copy.ts'
import { refuse } from './value-refusal.ts'
import { applyRepairs, type Repairs } from './value-repairs.ts'
import { decodeStored, inSharedMemory, malformed, tagPlain, writeGraph } from './values.ts'

/** The first byte of a structure whose large memory is apart. */
const tagApart = 5

/**
 * An ArrayBuffer of this size is shared by the threads of a node. Smaller ones would be copied into
 * every message with them, by the hub.
 */
const sharedBytesMin = storedInlineBytesMax + 1

const where = 'value'

/** @throws {GoawayError} ERR_GOAWAY_VALUE for what cannot be put, naming its path */
export function encodePut(value: unknown): RefData {
  const plain = writePlain(value, tagPlain, valueBytesMax)
  if (plain !== undefined) return [inSharedMemory(plain)]
  const rules = { where, stored: true, asBytes: true, contentBytesMin: sharedBytesMin }
  const { graph, repairs, freezable, contents } = copyValue(value, rules)
  if (contents.size === 0) return [inSharedMemory(writeGraph(graph, repairs, freezable, where))]
  const data = encodeApart(repairs === undefined ? [graph] : [graph, repairs], contents)
  // What is larger no link would carry.
  const bytes = data.reduce((sum, part) => sum + part.byteLength, 0)
  if (bytes <= valueBytesMax) return data
  throw refuse(where, [], `is larger than ${valueBytesMax} bytes`, 'put it in parts')
}

function encodeApart(value: unknown, contents: ReadonlyMap<ArrayBuffer, Uint8Array>): RefData {
  try {
    const [structure, ...memory] = writeApart(value, tagApart, contents)
    return [inSharedMemory(structure), ...memory]
  } catch (error) {
    throw refuse(where, [], 'cannot be encoded', 'put plain data, or less of it', error)
  }
}

/** For the threads of a node: what is large lies in memory that they share. */
export function shareData([structure, ...memory]: RefData): SharedRefData {
  const shared = memory.map((bytes) => {
    const { buffer, byteLength } = bytes
    const isWhole = buffer instanceof SharedArrayBuffer && buffer.byteLength === byteLength
    return (isWhole ? buffer : sharedCopy(bytes).buffer) as SharedArrayBuffer
  })
  return [structure as Uint8Array, ...shared]
}

/** `shareable`: frozen throughout, so that one decoding serves all readers of a thread. */
export function decodePut(
  [structure, ...memory]: SharedRefData,
  shared: boolean,
): { value: unknown; shareable: boolean } {
  if (structure[0] !== tagApart) return decodeStored(structure)
  try {
    const [value, repairs] = readApart(structure, memory, shared) as [unknown, Repairs?]
    applyRepairs(repairs)
    return { value, shareable: false }
  } catch (error) {
    throw malformed('not what the serializer writes', error)
  }
}
