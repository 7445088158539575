/**
 * Whether some order of the operations, in which none comes before one that had ended when it
 * began, explains all answers. By trying: for a handful of operations.
 */

/** One operation of a client; `end` is Infinity where no answer was seen. */
export interface Completed<Operation> {
  readonly operation: Operation
  readonly answer: string | null
  readonly start: number
  readonly end: number
}

/**
 * What an operation would answer, and the state after it. States are values: compared, not written.
 */
export type Sequential<State, Operation> = (
  state: State,
  operation: Operation,
) => readonly [state: State, answer: string]

export function isLinearizable<State, Operation>(
  history: readonly Completed<Operation>[],
  initial: State,
  perform: Sequential<State, Operation>,
): boolean {
  // What was answered must be explained; what was not may have taken effect or not.
  if (history.every((each) => each.answer === null)) return true
  const earliestEnd = Math.min(...history.map((each) => each.end))
  return history.some((each, index) => {
    if (each.start > earliestEnd) return false
    const [state, answer] = perform(initial, each.operation)
    if (each.answer !== null && each.answer !== answer) return false
    return isLinearizable(history.toSpliced(index, 1), state, perform)
  })
}
