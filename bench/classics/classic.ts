/**
 * What a classic of distributed shared memory is to the bench: one problem, solved three times by
 * the same arithmetic: by one thread, by routines that share what they need, and by bare worker
 * threads that share memory and nothing else. Each is a file here that opens with what is shared,
 * and by which model.
 */
import { randomOf } from '../../test/hub/random.ts'
import type { BareWorkers } from './bare.ts'

/**
 * `tiny` for tests, `quick` for a first look and to warm up, `full` where there is a target to
 * reach, `half` as much of it elsewhere.
 */
export type Size = 'tiny' | 'quick' | 'half' | 'full'

export interface Classic<Input = unknown, Result = unknown> {
  readonly name: string
  /** How large the problem is, in what is natural to it. */
  readonly sizes: Readonly<Record<Size, number>>
  /** Whether two threads have to come close to twice the speed of one. */
  readonly hasTarget: boolean
  /** What is there before it begins. */
  prepare(size: number): Input
  /** One thread, without the library. */
  alone(input: Input): Result
  /** Routines, on whatever threads and nodes there are: so many at a time. */
  together(input: Input, workers: number): Promise<Result>
  /** What no library can beat. */
  bare(input: Input, workers: BareWorkers): Promise<Result>
  /** Throws where a result is not what one thread found. */
  check(result: Result, expected: Result): void
}

/** Throws unless two lists of numbers agree in every bit. */
export function checkSameNumbers(result: Float64Array, expected: Float64Array): void {
  const differs = (value: number, at: number): boolean => !Object.is(value, expected[at])
  if (result.length === expected.length && !result.some(differs)) return
  const at = result.findIndex(differs)
  const found = `${result[at]} of ${result.length}, not ${expected[at]} of ${expected.length}`
  throw new Error(`Cannot accept a result: number ${at} is ${found}`)
}

export function randomNumbers(count: number, seed: number): Float64Array {
  const random = randomOf(seed)
  return new Float64Array(count).map(random)
}

/** The numbers from 0 to `count`, without the latter. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at)
}
