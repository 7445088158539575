/**
 * Values of a history as small whole numbers, so that a search compares and stores numbers. Equal
 * JSON has one number, whatever the order of its properties; absent is {@link absent}.
 */
import type { Json } from '../history/format.ts'

/** The number of `null`: there is no such field. */
export const absent = 0

export class ValueNumbers {
  readonly #numbers = new Map<string, number>([['null', absent]])
  readonly #values: Json[] = [null]

  of(value: Json): number {
    const text = canonicalText(value)
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    this.#numbers.set(text, this.#values.length)
    this.#values.push(value)
    return this.#values.length - 1
  }

  valueOf(number: number): Json {
    return this.#values[number] ?? null
  }

  /** Whether adding to the one value gives the other. */
  isSum(number: number, delta: number, sum: number): boolean {
    const value = number === absent ? 0 : this.#values[number]
    return typeof value === 'number' && Object.is(value + delta, this.#values[sum])
  }

  /** What a sum makes of a value; undefined if nothing can be added to it. */
  plus(number: number, delta: number): number | undefined {
    const value = number === absent ? 0 : this.#values[number]
    return typeof value === 'number' ? this.of(value + delta) : undefined
  }
}

/** JSON with the properties of objects in order. */
export function canonicalText(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalText).join()}]`
  const entries = Object.entries(value as Readonly<Record<string, Json>>)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  const members = entries.map(([name, each]) => `${JSON.stringify(name)}:${canonicalText(each)}`)
  return `{${members.join()}}`
}
