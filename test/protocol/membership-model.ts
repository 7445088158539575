/** The world of membership as a model to explore: time goes by in whole units up to a horizon. */
import type { MembershipTimes } from '../../lib/protocol/membership-times.ts'
import type { Model, Move } from './explore.ts'
import {
  checkHealthy,
  checkLeases,
  checkPairs,
  checkSettled,
  checkSilence,
  touched,
} from './membership-monitor.ts'
import type { NodeProcess, World, WorldOptions } from './membership-world.ts'
import {
  advance,
  bury,
  cut,
  cutPair,
  faithful,
  initialWorld,
  kill,
  nodeAt,
  noticePair,
  resumeSpawner,
  type Steps,
  takeDown,
  takeUp,
  tellNode,
  tellSpawner,
  tickNode,
  tickSpawner,
} from './membership-world.ts'

/**
 * A drift of a quarter, so that whole numbers show it: a lease of 3 by a clock of rate 0.75 is 4 in
 * true time, and so is a wait of 5 by one of 1.25.
 */
export const drift = 0.25
export const times: MembershipTimes = {
  leaseMs: 3,
  waitMs: 5,
  renewEveryMs: 1.5,
  patienceMs: 5,
  // Two renewals of 0.75 by the slowest clock.
  settleMs: 2.5,
  lateMs: 1.25,
  delayMsMax: 0,
  linkGraceMsMax: 0,
}
const nodeTimeout = times.waitMs / 0.8

export interface Scenario {
  readonly nodes: number
  readonly horizon: number
  /** Rates of the clocks, by place; the worst there are unless it says otherwise. */
  readonly rates?: readonly number[]
  readonly cuts?: number
  readonly kills?: number
  readonly stops?: number
  readonly spawnerStops?: number
  readonly pairs?: readonly (readonly [number, number])[]
  /** By the nodes' clocks; 1.5 unless it says otherwise. */
  readonly renewEvery?: number
  /** No message is on its way for longer: then M6 is to hold. */
  readonly delayMax?: number
}

interface Explored extends World {
  cuts: number
  kills: number
  stops: number
  spawnerStops: number
  pairsLeft: number
}

export function membershipModel(scenario: Scenario, steps: Steps = faithful): Model<Explored> {
  const options: WorldOptions = {
    nodes: scenario.nodes,
    times: Object.freeze({ ...times, renewEveryMs: scenario.renewEvery ?? times.renewEveryMs }),
    nodeTimeout,
    rates: scenario.rates ?? [1 + drift, 1 - drift, 1 - drift, 1 - drift],
    steps,
    // When it was sent is no part of the state where nobody asks.
    arrival: (now) => (scenario.delayMax === undefined ? 0 : now),
  }
  return {
    initial: () => ({
      ...initialWorld(options),
      cuts: scenario.cuts ?? 0,
      kills: scenario.kills ?? 0,
      stops: scenario.stops ?? 0,
      spawnerStops: scenario.spawnerStops ?? 0,
      pairsLeft: scenario.pairs?.length ?? 0,
    }),
    moves: (world) => moves(scenario, world),
    apply: (world, move) => {
      apply(scenario, options, world, move)
      checkLeases(world)
      checkSilence(world, nodeTimeout)
      checkPairs(world)
      if (scenario.delayMax !== undefined && !world.monitor.spawnerStopped) checkHealthy(world)
    },
    atRest: (world) => {
      // By the spawner's fast clock: the wait for the settlement, and then for the lease.
      const need = (times.settleMs + times.waitMs) / (1 + drift) + 1
      if (world.process.running) checkSettled(world, scenario.horizon - need)
    },
  }
}

function moves(scenario: Scenario, world: Explored): readonly Move[] {
  const found: Move[] = []
  const add = (kind: string, client: number, fault = false): unknown =>
    found.push({ kind, client, fault })
  const { running } = world.process
  if (mayAdvance(scenario, world)) add('advance', 1)
  for (const [place, node] of world.nodes) {
    const awake = node.alive && node.running && !node.state.expired
    if (node.up.length > 0 && running) add('up', place)
    if (node.down.length > 0 && awake) add('down', place)
    if (!node.linked && !node.spawnerTold && running) add('tellSpawner', place)
    if (!node.linked && !node.nodeTold && awake) add('tellNode', place)
    // A process that serves no more ends, and is seen to end.
    const over = !node.alive || (node.state.expired && node.running)
    if (over && !node.spawnerTold && running) add('bury', place)
    if (node.alive && !node.running) add('resume', place, true)
    if (awake && node.cutFrom.size > 0) add('notice', place)
    if (awake && world.stops > 0) add('stop', place, true)
    if (awake && node.linked && world.cuts > 0) add('cut', place, true)
    if (node.alive && node.linked && world.kills > 0) add('kill', place, true)
  }
  if (running && world.spawnerStops > 0) add('stop', 0, true)
  if (!running) add('resume', 0, true)
  if (world.pairsLeft > 0) add('cutPair', world.pairsLeft - 1)
  return found
}

function mayAdvance({ horizon, delayMax }: Scenario, world: Explored): boolean {
  if (world.time >= horizon) return false
  if (delayMax === undefined) return true
  const inTime = ([, sentAt]: readonly [unknown, number]): boolean => {
    return world.time < sentAt + delayMax
  }
  for (const node of world.nodes.values()) {
    if (world.process.running && !node.up.every(inTime)) return false
    if (node.alive && node.running && !node.state.expired && !node.down.every(inTime)) return false
  }
  return true
}

function apply(scenario: Scenario, options: WorldOptions, world: Explored, move: Move): void {
  if (move.kind === 'advance') return advance(options, world, 1)
  if (move.kind === 'cutPair') {
    world.pairsLeft -= 1
    const [one, other] = scenario.pairs?.[move.client] ?? [0, 0]
    return cutPair(world, nodeAt(world, one), nodeAt(world, other))
  }
  if (move.client === 0) return applyToSpawner(options, world, move)
  applyToNode(options, world, nodeAt(world, move.client), move.kind)
}

function applyToSpawner(options: WorldOptions, world: Explored, { kind }: Move): void {
  if (kind === 'stop') {
    world.spawnerStops -= 1
    world.monitor.spawnerStopped = true
    world.process.running = false
    return
  }
  resumeSpawner(world)
  tickSpawner(options, world)
}

function applyToNode(
  options: WorldOptions,
  world: Explored,
  node: NodeProcess,
  kind: string,
): void {
  switch (kind) {
    case 'up':
      return takeUp(options, world, node)
    case 'down':
      return takeDown(options, world, node)
    case 'tellSpawner':
      return tellSpawner(options, world, node)
    case 'tellNode':
      return tellNode(options, world, node)
    case 'bury':
      node.alive = false
      return bury(options, world, node)
    case 'notice':
      return noticePair(options, world, node)
    case 'cut':
      world.cuts -= 1
      return cut(world, node)
    case 'kill':
      world.kills -= 1
      return kill(world, node)
    case 'stop':
      world.stops -= 1
      touched(world, node.place)
      node.running = false
      return
    case 'resume':
      node.running = true
      return tickNode(options, world, node)
  }
}
