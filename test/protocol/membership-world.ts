/**
 * A spawner and its nodes as processes with clocks of their own, joined by links, as a world to
 * explore or to run by chance. A link keeps order, holds messages for as long as it likes, and
 * loses them only when it is cut. Processes are stopped and go on, and are killed; two nodes lose
 * the link between them; a machine is suspended, and its clock with it.
 *
 * Beside the machines stands a monitor (`membership-monitor.ts`), which knows the promises alone.
 */
import type { NodeInput, NodeOutput, NodeState } from '../../lib/protocol/membership-node.ts'
import { membershipNode } from '../../lib/protocol/membership-node.ts'
import type {
  SpawnerInput,
  SpawnerOutput,
  SpawnerState,
} from '../../lib/protocol/membership-spawner.ts'
import { membershipSpawner } from '../../lib/protocol/membership-spawner.ts'
import type { MembershipTimes } from '../../lib/protocol/membership-times.ts'
import type { Member } from '../../lib/wire/messages.ts'
import type { Monitor } from './membership-monitor.ts'
import { afterNodeStep, afterSpawnerStep, initialMonitor, touched } from './membership-monitor.ts'

/** The machines, or what a test puts in their place to see whether it is found out. */
export interface Steps {
  spawner(state: SpawnerState, input: SpawnerInput): readonly SpawnerOutput[]
  node(state: NodeState, input: NodeInput): readonly NodeOutput[]
}

export const faithful: Steps = { spawner: membershipSpawner.step, node: membershipNode.step }

export interface WorldOptions {
  readonly nodes: number
  readonly times: MembershipTimes
  readonly nodeTimeout: number
  /** How fast the clock of each process goes, by place. */
  readonly rates: readonly number[]
  readonly steps: Steps
  /** When a message that is sent now arrives, at the earliest. */
  readonly arrival: (now: number) => number
}

type Up = readonly ['renew', nonce: number] | readonly ['unreachable', place: number]
type Down =
  | readonly ['grant', nonce: number, epoch: number]
  | readonly ['view', epoch: number, members: readonly Member[]]
  | readonly ['bye']
type Sent<Message> = readonly [message: Message, arrival: number]

export interface Process {
  readonly place: number
  readonly rate: number
  /** True time for which its machine was suspended. */
  suspendedFor: number
  alive: boolean
  running: boolean
}

export interface NodeProcess extends Process {
  readonly state: NodeState
  linked: boolean
  /** Which ends of a cut link know that it is over. */
  spawnerTold: boolean
  nodeTold: boolean
  up: Sent<Up>[]
  down: Sent<Down>[]
  /** Nodes to which it has no link, and does not know it yet. */
  readonly cutFrom: Set<number>
}

export interface World {
  /** True time, which nobody knows. */
  time: number
  readonly spawner: SpawnerState
  readonly process: Process
  readonly nodes: Map<number, NodeProcess>
  readonly monitor: Monitor
}

export function initialWorld(options: WorldOptions): World {
  const process = { place: 0, rate: options.rates[0] ?? 1, suspendedFor: 0 }
  const world: World = {
    time: 0,
    spawner: membershipSpawner.initial(options.times),
    process: { ...process, alive: true, running: true },
    nodes: new Map(),
    monitor: initialMonitor(),
  }
  const places = Array.from({ length: options.nodes }, (_, index) => index + 1)
  join(options, world, ...places)
  return world
}

/** New processes take part. */
export function join(options: WorldOptions, world: World, ...places: number[]): void {
  for (const place of places) {
    const state = membershipNode.initial({ place, times: options.times })
    const rate = options.rates[place] ?? 1
    const process = { place, rate, suspendedFor: 0, alive: true, running: true }
    const link = { linked: true, spawnerTold: false, nodeTold: false, up: [], down: [] }
    world.nodes.set(place, { ...process, ...link, state, cutFrom: new Set() })
  }
  const members = places.map(memberAt)
  stepSpawner(options, world, { type: 'joined', members, now: clockOf(world, world.process) })
  for (const place of places) {
    const node = nodeAt(world, place)
    stepNode(options, world, node, { type: 'started', now: clockOf(world, node) })
  }
}

const members = new Map<number, Member>()

function memberAt(place: number): Member {
  const known = members.get(place)
  if (known !== undefined) return known
  const name = `${place}`
  const rest = { host: '', port: 0, labels: Object.freeze([]), threads: 1, incarnation: name }
  const member = Object.freeze({ place, index: place, name, ...rest })
  members.set(place, member)
  return member
}

/** What its clock shows; each began at another time. */
export function clockOf({ time }: World, { place, rate, suspendedFor }: Process): number {
  return (time - suspendedFor) * rate + place * 1000
}

export function stepSpawner(options: WorldOptions, world: World, input: SpawnerInput): void {
  const outputs = options.steps.spawner(world.spawner, input)
  for (const output of outputs) {
    switch (output.type) {
      case 'grant':
        post(options, world, output.place, ['grant', output.nonce, output.epoch])
        break
      case 'view':
        for (const { place } of output.members) {
          post(options, world, place, ['view', output.epoch, Object.freeze(output.members)])
        }
        break
      case 'dismiss':
        post(options, world, output.place, ['bye'])
    }
  }
  afterSpawnerStep(world, input, outputs)
}

function post(options: WorldOptions, world: World, place: number, message: Down): void {
  const node = nodeAt(world, place)
  if (!node.linked) return
  node.down.push(Object.freeze([Object.freeze(message), options.arrival(world.time)] as const))
}

export function stepNode(
  options: WorldOptions,
  world: World,
  node: NodeProcess,
  input: NodeInput,
): void {
  const outputs = options.steps.node(node.state, input)
  for (const output of outputs) {
    if (!node.linked || (output.type !== 'renew' && output.type !== 'unreachable')) continue
    const message: Up =
      output.type === 'renew' ? ['renew', output.nonce] : ['unreachable', output.place]
    node.up.push(Object.freeze([Object.freeze(message), options.arrival(world.time)] as const))
  }
  afterNodeStep(world, node, input, outputs)
}

/** Time goes on, and who is due has its tick. */
export function advance(options: WorldOptions, world: World, by: number): void {
  world.time += by
  tickSpawner(options, world)
  for (const node of world.nodes.values()) tickNode(options, world, node)
}

export function tickSpawner(options: WorldOptions, world: World): void {
  const now = clockOf(world, world.process)
  if (!world.process.running || world.spawner.wakeAt > now) return
  stepSpawner(options, world, { type: 'tick', now })
}

export function tickNode(options: WorldOptions, world: World, node: NodeProcess): void {
  const now = clockOf(world, node)
  if (!node.alive || !node.running || node.state.wakeAt > now || node.state.expired) return
  stepNode(options, world, node, { type: 'tick', now })
}

/** The spawner takes the next message of a node. */
export function takeUp(options: WorldOptions, world: World, node: NodeProcess): void {
  const message = node.up.shift()?.[0]
  if (message === undefined) return
  const { place } = node
  const now = clockOf(world, world.process)
  world.monitor.heardAt.set(place, now)
  if (message[0] === 'renew') {
    stepSpawner(options, world, { type: 'renew', place, nonce: message[1], now })
  } else {
    stepSpawner(options, world, { type: 'unreachable', from: place, place: message[1], now })
  }
}

/** A node takes the next message of the spawner. */
export function takeDown(options: WorldOptions, world: World, node: NodeProcess): void {
  const message = node.down.shift()?.[0]
  if (message === undefined) return
  const now = clockOf(world, node)
  switch (message[0]) {
    case 'grant':
      return stepNode(options, world, node, {
        type: 'granted',
        nonce: message[1],
        epoch: message[2],
        now,
      })
    case 'view':
      return stepNode(options, world, node, {
        type: 'view',
        epoch: message[1],
        members: message[2],
        now,
      })
    case 'bye':
      return stepNode(options, world, node, { type: 'spawnerLost', now })
  }
}

/** What is on its way is lost, and both ends may learn of it at any later time. */
export function cut(world: World, node: NodeProcess): void {
  touched(world, node.place)
  node.linked = false
  node.up.length = 0
  node.down.length = 0
}

export function cutPair(world: World, one: NodeProcess, other: NodeProcess): void {
  one.cutFrom.add(other.place)
  other.cutFrom.add(one.place)
  world.monitor.pairs.add(pairOf(one.place, other.place))
}

export function pairOf(one: number, other: number): string {
  return `${Math.min(one, other)}-${Math.max(one, other)}`
}

export function noticePair(options: WorldOptions, world: World, node: NodeProcess): void {
  const [place] = node.cutFrom
  if (place === undefined) return
  node.cutFrom.delete(place)
  stepNode(options, world, node, { type: 'peerLost', place, now: clockOf(world, node) })
}

export function tellSpawner(options: WorldOptions, world: World, node: NodeProcess): void {
  node.spawnerTold = true
  const { place } = node
  const now = clockOf(world, world.process)
  stepSpawner(options, world, { type: 'linkLost', place, dead: false, now })
}

export function tellNode(options: WorldOptions, world: World, node: NodeProcess): void {
  node.nodeTold = true
  stepNode(options, world, node, { type: 'spawnerLost', now: clockOf(world, node) })
}

export function kill(world: World, node: NodeProcess): void {
  cut(world, node)
  node.alive = false
}

/** The process is seen to be gone. */
export function bury(options: WorldOptions, world: World, node: NodeProcess): void {
  node.spawnerTold = true
  const { place } = node
  stepSpawner(options, world, { type: 'left', place, now: clockOf(world, world.process) })
}

export function resumeSpawner(world: World): void {
  world.process.running = true
  // A silence counts from the end of the stop.
  const now = clockOf(world, world.process)
  for (const place of world.monitor.heardAt.keys()) world.monitor.heardAt.set(place, now)
}

/** The machine wakes up: its driver looks at both clocks before it does anything else. */
export function wakeUp(
  options: WorldOptions,
  world: World,
  node: NodeProcess,
  slept: number,
): void {
  node.suspendedFor += slept
  node.running = true
  const now = clockOf(world, node)
  stepNode(options, world, node, { type: 'clockJump', deltaMs: slept, now })
}

export function nodeAt(world: World, place: number): NodeProcess {
  const node = world.nodes.get(place)
  if (node === undefined) throw new Error(`node ${place} does not exist`)
  return node
}
