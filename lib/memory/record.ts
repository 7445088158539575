/**
 * A value with its version, as it lies in a segment. Versions and numbers are doubles, bit by bit.
 * A record is written before its place is told to anybody, and never changed while it may be read.
 */
import type { EncodedValue } from '../wire/messages.ts'
import {
  kindBits,
  kindBytes,
  kindFalse,
  kindNull,
  kindNumber,
  kindText,
  kindTrue,
  kindUndefined,
  type Memory,
  recordHead,
  recordHeadWords,
  wordsFor,
} from './memory-layout.ts'
import { measureText, readText, textBytes, writeText } from './text-bytes.ts'

const kindMask = (1 << kindBits) - 1
/** A text's measure has its own kind below its length; together they are as wide as a kind. */
const textKinds = 3

const double = new Float64Array(1)
const halves = new Int32Array(double.buffer)

/** The head of a record with this value: its kind, and the length of its content in bytes. */
export function recordHeadOf(value: EncodedValue): number {
  switch (typeof value) {
    case 'number':
      return (8 << kindBits) | kindNumber
    case 'boolean':
      return value ? kindTrue : kindFalse
    case 'undefined':
      return kindUndefined
    case 'string': {
      const measure = measureText(value)
      return (textBytes(measure) << kindBits) | kindText | (measure & textKinds)
    }
    default:
      return value === null ? kindNull : (value.length << kindBits) | kindBytes
  }
}

export function contentBytes(head: number): number {
  return head >>> kindBits
}

export function recordWords(head: number): number {
  return recordHeadWords + wordsFor(contentBytes(head))
}

export function writeRecord(
  memory: Memory,
  at: number,
  head: number,
  version: number,
  value: EncodedValue,
): void {
  const { words } = memory
  double[0] = version
  words[at] = halves[0] as number
  words[at + 1] = halves[1] as number
  words[at + recordHead] = head
  const content = at + recordHeadWords
  if (typeof value === 'number') {
    double[0] = value
    words[content] = halves[0] as number
    words[content + 1] = halves[1] as number
  } else if (typeof value === 'string') {
    writeText(value, textMeasure(head), memory.bytes, content * 4)
  } else if (value instanceof Uint8Array) {
    memory.bytes.set(value, content * 4)
  }
}

export function readVersion({ words }: Memory, at: number): number {
  halves[0] = words[at] as number
  halves[1] = words[at + 1] as number
  return double[0] as number
}

/** The value as it was written; bytes are copied into memory of their own. */
export function readContent(memory: Memory, at: number): EncodedValue {
  const { words, bytes } = memory
  const head = words[at + recordHead] as number
  const content = at + recordHeadWords
  switch (head & kindMask) {
    case kindUndefined:
      return undefined
    case kindNull:
      return null
    case kindFalse:
      return false
    case kindTrue:
      return true
    case kindNumber:
      halves[0] = words[content] as number
      halves[1] = words[content + 1] as number
      return double[0]
    case kindBytes: {
      const copy = new Uint8Array(contentBytes(head))
      copy.set(bytes.subarray(content * 4, content * 4 + copy.length))
      return copy
    }
    default:
      return readText(textMeasure(head), bytes, content * 4)
  }
}

function textMeasure(head: number): number {
  return (contentBytes(head) << 2) | (head & textKinds)
}
