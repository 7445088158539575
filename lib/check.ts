/**
 * `goaway/check`: whether a history keeps what was promised. Usable alone: it needs nothing of the
 * rest of the library.
 *
 * @example
 * import { check, parseHistory } from 'goaway/check'
 *
 * const { verdict, parts } = check(parseHistory(text))
 */

export { check } from './check/check-history.ts'
export type {
  CheckOptions,
  CheckProgress,
  CheckResult,
  ModelName,
  PartResult,
  Window,
} from './check/check-result.ts'
export { drawSvg } from './check/draw-svg.ts'
export { draw } from './check/draw-text.ts'
export type { Verdict } from './check/linear-search.ts'
export { type History, type HistoryText, parseHistory, toHistory } from './check/read-history.ts'
export type { HistoryOperation, HistoryStore, Json } from './history/format.ts'
