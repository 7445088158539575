/**
 * What goes wrong in a simulation, as a list that is made before it begins: the same list can be
 * run again, and shortened to find which of its faults matter.
 */
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** One fault. Times are true time in milliseconds; what has a length heals by itself. */
export type Fault = { readonly atMs: number } & (
  | { readonly kind: 'crash' | 'pause'; readonly node: string; readonly forMs: number }
  /** Nothing gets from the one group to the other; with `oneWay` the other direction stays open. */
  | {
      readonly kind: 'partition'
      readonly from: readonly string[]
      readonly to: readonly string[]
      readonly oneWay: boolean
      readonly forMs: number
    }
  /** The connection between two breaks, and may come back at once. */
  | { readonly kind: 'break'; readonly between: readonly [string, string] }
  /** All messages take longer. */
  | { readonly kind: 'slow'; readonly factor: number; readonly forMs: number }
  | { readonly kind: 'drift'; readonly node: string; readonly rate: number }
)

/** How many of each there are, on average, in the time in which there are faults. */
export interface FaultRates {
  /** Time in which faults begin. At its end all is healed. @default 20000 */
  readonly forMs?: number
  /** @default 1 */
  readonly crashes?: number
  /** @default 1 */
  readonly pauses?: number
  /** @default 1 */
  readonly partitions?: number
  /** Partitions in one direction only. @default 0.5 */
  readonly oneWays?: number
  /** @default 3 */
  readonly breaks?: number
  /** @default 1 */
  readonly slowdowns?: number
  /** Clocks that change their rate. @default 1 */
  readonly drifts?: number
  /** How long a fault lasts. @default 50 to 8000, most of them short */
  readonly lengthMs?: readonly [least: number, most: number]
}

/** No clock is further from the truth than the leases allow for. */
const driftMost = 0.009

/** Draws the faults of a simulation. `nodes`: names of those beside the spawner. */
export function planFaults(random: Random, nodes: readonly string[], rates: FaultRates): Fault[] {
  const { forMs = 20_000, lengthMs = [50, 8_000] } = rates
  const all = ['spawner', ...nodes]
  const faults: Fault[] = []
  const length = (): number => {
    const [least, most] = lengthMs
    return Math.round(least + (most - least) * random.next() ** 2)
  }
  const add = (mean: number, make: (atMs: number) => Fault | undefined): void => {
    for (let left = poisson(random, mean); left > 0; left--) {
      const fault = make(Math.round(random.between(0, forMs)))
      if (fault !== undefined) faults.push(fault)
    }
  }
  const node = (): string => random.pick(nodes)
  add(rates.crashes ?? 1, (atMs) => ({ atMs, kind: 'crash', node: node(), forMs: length() }))
  add(rates.pauses ?? 1, (atMs) => ({
    atMs,
    kind: 'pause',
    node: random.pick(all),
    forMs: length(),
  }))
  const cut = (atMs: number, oneWay: boolean): Fault | undefined => {
    const from = all.filter(() => random.chance(0.5))
    // All on one side is no partition; sometimes only some of the ways between two sides are cut.
    const others = all.filter((name) => !from.includes(name))
    const to = random.chance(0.5) ? others : others.filter(() => random.chance(0.5))
    if (from.length === 0 || to.length === 0) return undefined
    return { atMs, kind: 'partition', from, to, oneWay, forMs: length() }
  }
  add(rates.partitions ?? 1, (atMs) => cut(atMs, false))
  add(rates.oneWays ?? 0.5, (atMs) => cut(atMs, true))
  add(rates.breaks ?? 3, (atMs) => {
    const [one, other] = [random.pick(all), random.pick(all)]
    return one === other ? undefined : { atMs, kind: 'break', between: [one, other] }
  })
  add(rates.slowdowns ?? 1, (atMs) => {
    return { atMs, kind: 'slow', factor: random.between(2, 20), forMs: length() }
  })
  add(rates.drifts ?? 1, (atMs) => {
    return {
      atMs,
      kind: 'drift',
      node: random.pick(all),
      rate: 1 + random.between(-driftMost, driftMost),
    }
  })
  return faults.sort((one, other) => one.atMs - other.atMs)
}

/** How many of something there are that has this mean (Knuth). */
function poisson(random: Random, mean: number): number {
  const limit = Math.exp(-mean)
  let count = 0
  for (let product = random.next(); product > limit; product *= random.next()) count++
  return count
}

/** Has the faults happen in their time. At `healAtMs` all is well again. */
export function applyFaults(world: World, faults: readonly Fault[], healAtMs: number): void {
  if (faults.length === 0) return
  for (const fault of faults) world.at(fault.atMs, () => happen(world, fault))
  world.at(healAtMs, () => world.heal())
}

function happen(world: World, fault: Fault): void {
  const later = (act: () => void): void => {
    if ('forMs' in fault) world.at(world.now + fault.forMs, act)
  }
  switch (fault.kind) {
    case 'crash':
      world.crash(fault.node)
      return later(() => world.restart(fault.node))
    case 'pause':
      world.pause(fault.node)
      return later(() => world.resume(fault.node))
    case 'partition':
      return later(world.cut(fault.from, fault.to, fault.oneWay))
    case 'break':
      return world.breakLinks(...fault.between)
    case 'slow':
      return later(world.slow(fault.factor))
    case 'drift':
      return world.drift(fault.node, fault.rate)
  }
}

/** A fault in one line. */
export function describeFault(fault: Fault): string {
  const { atMs, kind, ...rest } = fault
  return `${atMs} ms: ${kind} ${JSON.stringify(rest)}`
}
