/** What a check is asked, and what it answers. */
import type { HistoryOperation } from '../history/format.ts'
import type { Verdict } from './linear-search.ts'

/** What a history may be checked against; each is defined in `docs/checker.md`. */
export type ModelName = 'causal' | 'fifo' | 'linearizable' | 'sequential'

export interface CheckOptions {
  /** Without it each object is checked against what its own store promises. */
  readonly model?: ModelName | undefined
  /**
   * Steps of all searches together; what is not decided by then is `unknown`.
   * @default 5,000,000
   */
  readonly stepsMax?: number | undefined
  /**
   * Milliseconds for the whole check; what is not decided by then is `unknown`.
   * @default Infinity
   */
  readonly timeMsMax?: number | undefined
  /** Called now and then on the way. */
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined
}

export interface CheckProgress {
  /** Parts that are done, of `parts`. */
  readonly done: number
  readonly parts: number
  readonly steps: number
}

export interface CheckResult {
  /** `illegal` if any part is; else `unknown` if any part is. */
  readonly verdict: Verdict
  readonly operations: number
  /** What was checked by itself: a field, a lock, or all fields of a store. */
  readonly parts: readonly PartResult[]
}

export interface PartResult {
  /** A field, `lock` and its name, or the store whose fields are checked together. */
  readonly name: string
  readonly model: ModelName
  readonly verdict: Verdict
  readonly operations: number
  /** Of an illegal part. */
  readonly window?: Window
}

/** Operations that cannot all be right. If one is left out, the others can. */
export interface Window {
  /** In order of their start, without the initial values. */
  readonly operations: readonly HistoryOperation[]
  /** The line of each. */
  readonly lines: readonly number[]
  /** The lines that give the initial values of the fields in it. */
  readonly initial: readonly HistoryOperation[]
  /** Indices of the operations that contradict. */
  readonly marked: readonly number[]
  /** What is wrong, in a sentence. */
  readonly reason: string
}
