/** `simulate()`: runs a program on simulated clusters, one for each seed. */
import process from 'node:process'
import { GoawayError } from '../errors.ts'
import { turnOver } from './ambient.ts'
import { applyFaults, describeFault, type Fault, type FaultRates, planFaults } from './faults.ts'
import { Random } from './random.ts'
import { nodeNamesOf } from './simulated-cluster.ts'
import { SimulationError } from './simulation-error.ts'
import { World, type WorldOptions } from './world.ts'

export interface SimulationOptions extends WorldOptions {
  /** Runs this many seeds, one after the other, from `seed` on. @default 1 */
  readonly seeds?: number
  /** `true`: some of everything; or how many of each, or the list. @default nothing goes wrong */
  readonly faults?: boolean | FaultRates | readonly Fault[]
  /** Virtual time in which the program has to come to its end. @default 600000 */
  readonly limitMs?: number
  /** Looks which faults a failure needs, by running it again without each. @default false */
  readonly minimises?: boolean
}

/** What came of the seeds that were run; all of them passed. */
export interface SimulationReport {
  readonly seeds: readonly number[]
  /** Of each seed: equal for equal programs and options. */
  readonly hashes: readonly string[]
  /** Virtual time of all together, in milliseconds. */
  readonly virtualMs: number
  readonly steps: number
}

export type SimulatedProgram = (world: World) => unknown

/** One seed's run can be no longer; more means that it goes in circles without time passing. */
const stepsMax = 20_000_000
const limitMsDefault = 600_000
const faultsForMsDefault = 20_000
/** Times a failing seed is run again to find out which of its faults it needs. */
const minimisingRunsMax = 100

/**
 * Runs a program on a simulated cluster: `goaway`, objects and locks in it are of that cluster.
 *
 * `GOAWAY_SEED` in the environment runs that one seed; `GOAWAY_SEEDS` says how many.
 *
 * @throws {SimulationError} naming the seed, if the program fails or comes to a standstill
 *
 * @example
 * await simulate({ seeds: 100, faults: true }, async () => {
 *   const s = StrictCentralized('s', { counter: 0 })
 *   await Promise.all([1, 2, 3].map(() => goaway.with({ retries: 5, idempotent: true })(visit)))
 * })
 */
export async function simulate(
  options: SimulationOptions,
  program: SimulatedProgram,
): Promise<SimulationReport> {
  const seeds = seedsOf(options)
  const hashes: string[] = []
  let virtualMs = 0
  let steps = 0
  for (const seed of seeds) {
    const faults = faultsOf(options, seed)
    const run = await runOnce(options, seed, faults, program)
    if (run.failure !== undefined) throw await failureOf(options, seed, faults, program, run)
    hashes.push(run.hash)
    virtualMs += run.virtualMs
    steps += run.steps
  }
  return { seeds, hashes, virtualMs, steps }
}

function seedsOf({ seed = 1, seeds = 1 }: SimulationOptions): number[] {
  const only = numberOf('GOAWAY_SEED')
  if (only !== undefined) return [only]
  const count = numberOf('GOAWAY_SEEDS') ?? seeds
  return Array.from({ length: count }, (_, at) => seed + at)
}

function numberOf(variable: string): number | undefined {
  const text = process.env[variable]
  if (text === undefined || text === '') return undefined
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new GoawayError('ERR_GOAWAY_CONFIG', `${variable} has to be a whole number: ${text}`)
}

function isList(faults: FaultRates | readonly Fault[]): faults is readonly Fault[] {
  return Array.isArray(faults)
}

function faultsOf(options: SimulationOptions, seed: number): readonly Fault[] {
  const { faults = false } = options
  if (faults === false) return []
  if (faults !== true && isList(faults)) return faults
  const random = new Random(seed).stream('faults')
  return planFaults(random, nodeNamesOf(options), faults === true ? {} : faults)
}

function healAtMs({ faults }: SimulationOptions, list: readonly Fault[]): number {
  const last = Math.max(
    0,
    ...list.map((fault) => fault.atMs + ('forMs' in fault ? fault.forMs : 0)),
  )
  if (typeof faults !== 'object') return faultsForMsDefault
  return isList(faults) ? last : (faults.forMs ?? faultsForMsDefault)
}

interface Run {
  readonly failure: { readonly error: unknown } | undefined
  readonly hash: string
  readonly virtualMs: number
  readonly steps: number
}

async function runOnce(
  options: SimulationOptions,
  seed: number,
  faults: readonly Fault[],
  program: SimulatedProgram,
): Promise<Run> {
  const world = new World({ records: true, ...options, seed })
  let failure: Run['failure']
  try {
    applyFaults(world, faults, healAtMs(options, faults))
    await drive(world, options, program)
  } catch (error) {
    failure = { error }
  } finally {
    world.close()
  }
  return { failure, hash: world.hash, virtualMs: world.now, steps: world.agenda.steps }
}

/** Steps until the program is over, or nothing is left that could bring it further. */
async function drive(
  world: World,
  { limitMs = limitMsDefault }: SimulationOptions,
  program: SimulatedProgram,
): Promise<void> {
  let outcome: { readonly error?: unknown } | undefined
  const failed = (error: unknown): void => {
    outcome = { error }
  }
  const run = async (): Promise<void> => {
    await program(world)
  }
  const ended = (): void => {
    outcome = {}
  }
  world.program.enter(run).then(ended, failed)
  await turnOver()
  while (outcome === undefined) {
    const goesOn = await world.step()
    if (outcome !== undefined) break
    if (!goesOn || world.isQuiet) throw standstill(world)
    if (world.now <= limitMs && world.agenda.steps <= stepsMax) continue
    const limits = `${limitMs} ms of virtual time (limitMs), or ${stepsMax} steps`
    const text = `The program did not end in ${limits}${pendingOf(world)}`
    throw new GoawayError('ERR_GOAWAY_TIMEOUT', text)
  }
  if ('error' in outcome) throw outcome.error
}

function standstill(world: World): GoawayError {
  const text =
    'The program waits for what will never come: nothing is under way in its cluster any more, ' +
    `at ${Math.round(world.now)} ms of virtual time`
  return new GoawayError('ERR_GOAWAY_DEADLOCK', `${text}${pendingOf(world)}`)
}

function pendingOf(world: World): string {
  const pending = world.pending()
  if (pending.length === 0) return '; no call of goaway is pending: it waits for something else'
  return `; pending:\n${pending.map((line) => `  ${line}`).join('\n')}`
}

async function failureOf(
  options: SimulationOptions,
  seed: number,
  faults: readonly Fault[],
  program: SimulatedProgram,
  { failure }: Run,
): Promise<SimulationError> {
  const needed =
    options.minimises === true ? await minimise(options, seed, faults, program) : faults
  return new SimulationError(seed, needed.map(describeFault), needed, failure?.error)
}

/** Leaves out one fault after the other, as long as the program still fails. */
async function minimise(
  options: SimulationOptions,
  seed: number,
  faults: readonly Fault[],
  program: SimulatedProgram,
): Promise<readonly Fault[]> {
  let needed = faults
  let runs = 0
  for (let at = 0; at < needed.length && runs < minimisingRunsMax; runs++) {
    const fewer = needed.toSpliced(at, 1)
    const { failure } = await runOnce(options, seed, fewer, program)
    if (failure === undefined) at++
    else needed = fewer
  }
  return needed
}
