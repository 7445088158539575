/**
 * Values as a history shows them. Two values that a store holds for the same are shown alike, and
 * two that it tells apart are shown differently; to read them back is not asked for.
 *
 * Rule 1: `null` means that a field is absent. What JSON has no word for, `null` as a value among
 * it, is a string that begins with `@`; a string of the program that does so gets a second one.
 * Rule 2: what is long is shown by its beginning and a hash of the whole.
 */
import { createHash } from 'node:crypto'
import { serialize } from 'node:v8'
import { historyValueCharactersMax } from '../limits.ts'
import type { Json } from './format.ts'

/** A field's value; what is absent is `null`, and this is not called for it. */
export function historyValue(value: unknown): Json {
  switch (typeof value) {
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : shownNumber(value)
    case 'string':
      return shorten(escapeText(value))
    default:
      return value === null ? '@null' : shorten(shown(value, []))
  }
}

/** `JSON.stringify` makes 0 of the one and `null` of the others. */
function shownNumber(value: number): string {
  return Object.is(value, -0) ? '@-0' : `@${value}`
}

function escapeText(text: string): string {
  return text.startsWith('@') ? `@${text}` : text
}

function shorten(shown: Json): Json {
  const text = typeof shown === 'string' ? shown : JSON.stringify(shown)
  if (text.length <= historyValueCharactersMax) return shown
  return `@long:${text.slice(0, 40)}…${hashOf(text)}`
}

function hashOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 32)
}

/** @param above the objects that this one is in */
function shown(value: unknown, above: readonly object[]): Json {
  if (value === null) return null
  switch (typeof value) {
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : shownNumber(value)
    case 'string':
      return escapeText(value)
    case 'bigint':
      return `@bigint:${value}`
    case 'object':
      return shownObject(value, above)
    default:
      return `@${typeof value}`
  }
}

function shownObject(value: object, above: readonly object[]): Json {
  const depth = above.lastIndexOf(value)
  if (depth >= 0) return `@cycle:${above.length - depth}`
  const within = [...above, value]
  if (Array.isArray(value)) return value.map((one) => shown(one, within))
  if (value instanceof Date) return `@Date:${value.getTime()}`
  const name = value.constructor?.name ?? 'Object'
  if (value instanceof Map || value instanceof Set) {
    const content = JSON.stringify(shown([...value], within))
    return `@${name}:${hashOf(content)}`
  }
  if (ArrayBuffer.isView(value)) {
    return `@${name}:${hashOf(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))}`
  }
  if (value instanceof ArrayBuffer) return `@${name}:${hashOf(new Uint8Array(value))}`
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    return `@${name}:${hashOf(serialize(value))}`
  }
  // The order of its fields makes no difference to who compares two objects.
  const fields = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(fields.map(([field, inner]) => [field, shown(inner, within)]))
}
