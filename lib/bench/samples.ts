/** The rounds of one cell, of one caller or several, and what they say together. */
import type { Sample } from './matrix-routines.ts'

export class Samples {
  readonly #medians: number[] = []
  readonly #rates: number[] = []
  /** Of all rounds: a point of a round stands for as many batches as it was thinned from. */
  readonly #points: (readonly [micros: number, weight: number])[] = []

  /** One round: what each caller saw. */
  add(callers: readonly Sample[]): void {
    const points = callers.flatMap(({ micros, operations }) =>
      micros.map((value): readonly [number, number] => [value, operations / micros.length]),
    )
    this.#medians.push(quantile(points, 0.5))
    this.#rates.push(
      callers.reduce(
        (all, { operations, tookMicros }) => all + (operations * 1_000_000) / tookMicros,
        0,
      ),
    )
    this.#points.push(...points)
  }

  get p50(): number {
    return middle(this.#medians, 0.5)
  }

  get p99(): number {
    return quantile(this.#points, 0.99)
  }

  /** Of all callers together. */
  get perSecond(): number {
    return middle(this.#rates, 0.5)
  }

  /** Where the middle half of the rounds' medians lies. */
  get spread(): readonly [number, number] {
    return [middle(this.#medians, 0.25), middle(this.#medians, 0.75)]
  }
}

function quantile(points: readonly (readonly [number, number])[], part: number): number {
  const sorted = points.toSorted(([one], [other]) => one - other)
  let left = part * sorted.reduce((all, [, weight]) => all + weight, 0)
  for (const [value, weight] of sorted) {
    left -= weight
    if (left <= 0) return value
  }
  return sorted.at(-1)?.[0] ?? Number.NaN
}

function middle(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  const at = part * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  if (low === undefined || high === undefined) return Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}
