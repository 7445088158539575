/**
 * The seam between protocols and the world. A machine is a pure function over plain data: it has no
 * clock, no socket, no promise and no chance. The driver feeds it inputs (past facts) and performs
 * the outputs (orders) in the order in which they are returned.
 */
export interface Machine<State, Input, Output, Parameters = void> {
  /** The state before the first input. Plain data: an explorer copies, compares and hashes it. */
  initial(parameters: Parameters): State
  /** Takes one input; may write `state` in place. Never throws for what a peer did. */
  step(state: State, input: Input): readonly Output[]
}
