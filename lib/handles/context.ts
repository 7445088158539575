/** `context()`: what a routine knows of itself. */
import { place } from '../client/current.ts'
import { currentScope } from '../client/scope.ts'

/** The routine that is running, or the program itself, which is never cancelled. */
export interface RoutineInfo {
  /** The id its caller sees; 0 in the program itself. */
  readonly id: number
  /** Name of the node it runs on. */
  readonly node: string
  /** Number of the thread it runs on; 0 in the program itself. */
  readonly thread: number
  /** Which attempt this is, from 1. */
  readonly attempt: number
  /** Aborts on cancel and timeout. Its `aborted` needs no await to become true. */
  readonly signal: AbortSignal
  /**
   * Whether it was cancelled or has run into its timeout. A loop that never awaits sees it at once.
   */
  readonly cancelled: boolean
}

const program: RoutineInfo = Object.freeze({
  id: 0,
  node: 'local',
  thread: 0,
  attempt: 1,
  signal: new AbortController().signal,
  cancelled: false,
})

/**
 * The routine that calls it. Also works outside of any, so that a function can be called directly.
 *
 * @example
 * export function search(from: number, to: number): number | undefined {
 *   const me = context()
 *   for (let n = from; n < to && !me.cancelled; n++) if (fits(n)) return n
 * }
 */
export function context(): RoutineInfo {
  const found = currentScope().context as RoutineInfo | undefined
  if (found !== undefined) return found
  const node = place.simulated?.() ?? place.node
  return node === undefined || node.name === program.node
    ? program
    : { ...program, node: node.name }
}
