/** What `simulate()` throws: which seed failed, and how to run it again. */
import type { Fault } from './faults.ts'

export class SimulationError extends Error {
  override readonly name = 'SimulationError'
  /** Run again with `simulate({ seed })`, or with GOAWAY_SEED. */
  readonly seed: number
  /** What went wrong on purpose; can be given to `simulate({ faults })`. */
  readonly faults: readonly Fault[]

  constructor(seed: number, lines: readonly string[], faults: readonly Fault[], cause: unknown) {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    const list = lines.length === 0 ? '' : `\nFaults:\n${lines.map((one) => `  ${one}`).join('\n')}`
    const again = `run it again with GOAWAY_SEED=${seed}, or simulate({ seed: ${seed} })`
    super(`The simulation of seed ${seed} failed; ${again}: ${why}${list}`, { cause })
    this.seed = seed
    this.faults = faults
  }
}
