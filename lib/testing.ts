/**
 * `goaway/testing`: runs a program on a simulated cluster, in one thread, by virtual time and from
 * a seed. What it can do and cannot is told in `docs/testing.md`.
 *
 * @example
 * import { goaway, StrictCentralized } from 'goaway'
 * import { simulate } from 'goaway/testing'
 *
 * await simulate({ seeds: 100, nodes: 3, faults: true }, async (world) => {
 *   const s = StrictCentralized('s', { counter: 0 })
 *   const visit = () => s.add('counter')
 *   await Promise.allSettled([goaway(visit), goaway(visit)])
 * })
 */

export type { Fault, FaultRates } from './sim/faults.ts'
export type { Delays } from './sim/network.ts'
export {
  type SimulatedProgram,
  type SimulationOptions,
  type SimulationReport,
  simulate,
} from './sim/simulate.ts'
export { SimulationError } from './sim/simulation-error.ts'
export type { TraceEntry } from './sim/trace.ts'
export { World, type WorldOptions } from './sim/world.ts'
