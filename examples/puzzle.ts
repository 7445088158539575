/** The puzzle: which number, appended to a seed, gives a SHA-512 that starts with zeros? */
import { hash } from 'node:crypto'

/** The SHA-512 of the seed with the number appended, as hexadecimal digits. */
export function digest(seed: string, number: number): string {
  return hash('sha512', `${seed}${number}`)
}

/** The zeros that a digest has to start with. */
export function target(zeros: number): string {
  return '0'.repeat(zeros)
}

/** The first fitting number of `count` that stand `step` apart, or undefined if none fits. */
export function firstFit(
  seed: string,
  zeros: number,
  from: number,
  step: number,
  count: number,
): number | undefined {
  const start = target(zeros)
  const end = from + count * step
  for (let number = from; number < end; number += step) {
    if (digest(seed, number).startsWith(start)) return number
  }
  return undefined
}

/** How likely it is that one of so many numbers fits. */
export function chanceOfFit(zeros: number, tried: number): number {
  return 1 - Math.exp(-tried / 16 ** zeros)
}
