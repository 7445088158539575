/**
 * `goaway/check`: whether a history keeps what was promised. Usable alone: it needs nothing of the
 * rest of the library.
 *
 * @example
 * import { check, parseHistory } from 'goaway/check'
 *
 * const { verdict, parts } = check(parseHistory(text))
 */

export {
  type CheckOptions,
  type CheckProgress,
  type CheckResult,
  check,
  type ModelName,
  type PartResult,
  type Window,
} from './check/check-history.ts'
export { drawSvg } from './check/draw-svg.ts'
export { draw } from './check/draw-text.ts'
export type { Verdict } from './check/linear-search.ts'
export { type History, parseHistory, toHistory } from './check/read-history.ts'
export type { HistoryOperation, HistoryStore, Json } from './history/format.ts'
