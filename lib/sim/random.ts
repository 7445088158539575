/**
 * Chance from a seed: the same seed gives the same numbers, on every machine. Whoever needs chance
 * takes a stream of its own by a name, so that one more number drawn here changes nothing there.
 */

export class Random {
  readonly #seed: string
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number | string) {
    this.#seed = `${seed}`
    this.#a = hash(this.#seed, 0x811c9dc5)
    this.#b = hash(this.#seed, 0x9e3779b1)
    this.#c = hash(this.#seed, 0x85ebca6b)
    // The first numbers of two seeds that are alike would be alike as well.
    for (let round = 0; round < 12; round++) this.next()
  }

  /** A stream that depends on this one's seed and the name alone. */
  stream(name: string): Random {
    return new Random(`${this.#seed}/${name}`)
  }

  /** From 0 to less than 1. It is sfc32 (Chris Doty-Humphrey): 128 bits, and quick. */
  next(): number {
    const result = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0
    return (result >>> 0) / 2 ** 32
  }

  /** A whole number from 0 to less than `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }
}

/** FNV-1a over UTF-16 units. */
function hash(text: string, start: number): number {
  let value = start
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  }
  return value
}
