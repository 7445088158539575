/** The promises of docs/protocols/membership.md, M1 to M6, watched over a whole world. */
import type { NodeInput, NodeOutput } from '../../lib/protocol/membership-node.ts'
import { mayServe } from '../../lib/protocol/membership-node.ts'
import type { SpawnerInput, SpawnerOutput } from '../../lib/protocol/membership-spawner.ts'
import { Violation } from './explore.ts'
import type { NodeProcess, World } from './membership-world.ts'
import { clockOf, pairOf } from './membership-world.ts'

export interface Monitor {
  /** The places of each view, from epoch 1. */
  readonly views: (readonly number[])[]
  /** True time of each removal, by place. */
  readonly removedAt: Map<number, number>
  /** When the spawner last heard of each node, by its own clock. */
  readonly heardAt: Map<number, number>
  /** Nodes that some fault has come near to. */
  readonly touched: Set<number>
  /** Pairs that cannot reach each other. */
  readonly pairs: Set<string>
  /** True time at which the spawner was told of a pair. */
  readonly reportedAt: Map<string, number>
  spawnerStopped: boolean
}

export function initialMonitor(): Monitor {
  return {
    views: [],
    removedAt: new Map(),
    heardAt: new Map(),
    touched: new Set(),
    pairs: new Set(),
    reportedAt: new Map(),
    spawnerStopped: false,
  }
}

export function touched(world: World, place: number): void {
  world.monitor.touched.add(place)
}

export function afterSpawnerStep(
  world: World,
  input: SpawnerInput,
  outputs: readonly SpawnerOutput[],
): void {
  const { monitor } = world
  if (input.type === 'joined') {
    for (const { place } of input.members) {
      if (monitor.heardAt.has(place)) throw new Violation(`M5: place ${place} was given twice`)
      monitor.heardAt.set(place, input.now)
    }
  }
  if (input.type === 'unreachable') {
    const pair = pairOf(input.from, input.place)
    if (!monitor.reportedAt.has(pair)) monitor.reportedAt.set(pair, world.time)
  }
  for (const output of outputs) {
    if (output.type === 'view') {
      const due = monitor.views.length + 1
      if (output.epoch !== due) throw new Violation(`M2: epoch ${output.epoch} instead of ${due}`)
      const places = output.members.map(({ place }) => place)
      for (const place of places) {
        if (monitor.removedAt.has(place)) throw new Violation(`M5: ${place} came back`)
      }
      monitor.views.push(Object.freeze(places))
    } else if (output.type === 'removed') {
      monitor.removedAt.set(output.place, world.time)
      if (monitor.views[output.epoch - 1]?.includes(output.place) !== false) {
        throw new Violation(`M2: ${output.place} is still in view ${output.epoch}`)
      }
    }
  }
}

export function afterNodeStep(
  world: World,
  node: NodeProcess,
  input: NodeInput,
  outputs: readonly NodeOutput[],
): void {
  const { state } = node
  if (outputs.some(({ type }) => type === 'expired') && !state.expired) {
    throw new Violation(`M1: ${node.place} says that it is over, and goes on`)
  }
  if (input.type !== 'view' || state.expired) return
  const view = world.monitor.views[state.epoch - 1] ?? []
  const seen = [node.place, ...state.members.keys()].sort((one, other) => one - other)
  if (seen.join() !== view.join()) {
    throw new Violation(`M2: ${node.place} sees ${seen} in epoch ${state.epoch}, not ${view}`)
  }
  if (input.epoch > state.epoch) throw new Violation(`M2: ${node.place} passed over a view`)
}

/** M1, as it stands at this moment, for each process by its own clock. */
export function checkLeases(world: World): void {
  for (const place of world.monitor.removedAt.keys()) {
    const node = world.nodes.get(place)
    if (node?.alive !== true) continue
    if (!mayServe(node.state, clockOf(world, node))) continue
    throw new Violation(`M1: ${place} was removed, and may serve`)
  }
}

/** M3, as far as the spawner can know: `nodeTimeout` by its own clock. */
export function checkSilence(world: World, nodeTimeout: number): void {
  if (!world.process.running) return
  const now = clockOf(world, world.process)
  for (const place of world.spawner.members.keys()) {
    const heardAt = world.monitor.heardAt.get(place) ?? Number.NaN
    if (now - heardAt > nodeTimeout) {
      throw new Violation(`M3: ${place} was heard of at ${heardAt}, and is a member at ${now}`)
    }
  }
}

/** M6: what no fault came near to is well. Holds while messages take less than the bound. */
export function checkHealthy(world: World): void {
  const { monitor } = world
  for (const [place, node] of world.nodes) {
    if (monitor.touched.has(place) || [...monitor.pairs].some((pair) => isOf(pair, place))) continue
    if (node.state.expired) throw new Violation(`M6: ${place} is well, and its lease ran out`)
    if (world.spawner.members.get(place)?.suspicion !== null) {
      throw new Violation(`M6: ${place} is well, and suspected`)
    }
  }
}

/** M4: never both, unless something else has happened to one of them. */
export function checkPairs(world: World): void {
  const { monitor } = world
  for (const pair of monitor.pairs) {
    const places = pair.split('-').map(Number)
    if (places.some((place) => monitor.touched.has(place))) continue
    const gone = places.filter((place) => isGoing(world, place))
    if (gone.length > 1 && !places.every((place) => inOtherPair(world, pair, place))) {
      throw new Violation(`M4: both of ${pair} went`)
    }
  }
}

/** M4: one of each pair has gone, where there was time enough since it was reported. */
export function checkSettled(world: World, reportedBefore: number): void {
  for (const [pair, at] of world.monitor.reportedAt) {
    const places = pair.split('-').map(Number)
    if (at > reportedBefore || places.some((place) => world.monitor.removedAt.has(place))) continue
    throw new Violation(`M4: ${pair} was reported at ${at}, and both stay`)
  }
}

function isGoing(world: World, place: number): boolean {
  return world.spawner.members.get(place)?.suspicion !== null
}

function inOtherPair(world: World, pair: string, place: number): boolean {
  return [...world.monitor.pairs].some((other) => other !== pair && isOf(other, place))
}

function isOf(pair: string, place: number): boolean {
  return pair.split('-').map(Number).includes(place)
}
