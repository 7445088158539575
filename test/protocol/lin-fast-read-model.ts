/**
 * Nodes with a `LinFastRead` machine each, as a model to explore. Channels between two nodes are
 * FIFO and hold messages for as long as they like. Views come to each node at its own time. A lease
 * runs out some time before the removal is published; the node is dead then, or goes on (a zombie).
 *
 * Beside the machines stands a monitor (`lin-fast-read-monitor.ts`), which knows the invariants of
 * docs/protocols/lin-fast-read.md and nothing of how the machines keep them. In every state it
 * reads the field at every node that would answer: reads need no moves of their own.
 */
import {
  type LinFastReadInput,
  type LinFastReadMessage,
  type LinFastReadMutant,
  type LinFastReadOutput,
  type LinFastReadState,
  linFastRead,
} from '../../lib/protocol/lin-fast-read.ts'
import type { StrictAnswer, StrictOperation } from '../../lib/wire/messages.ts'
import { canonical, copyPlain, type Model, type Move } from './explore.ts'
import type { HistoryEvent } from './hub-model.ts'
import {
  afterStep,
  answered,
  called,
  checkCopies,
  checkRest,
  initialMonitor,
  type Monitor,
} from './lin-fast-read-monitor.ts'

export interface Scenario {
  readonly founders: number
  /** Operations of each node's thread by place; places beyond the list have none. */
  readonly scripts: readonly (readonly StrictOperation[])[]
  /** A thread does not wait for its answers. */
  readonly pipelined?: boolean
  readonly removals?: number
  /** Who may be removed; all but the spawner if left out. */
  readonly mortal?: readonly number[]
  /** The removed go on running. */
  readonly zombies?: boolean
  readonly joins?: number
  /** A node may miss views. */
  readonly skips?: boolean
  /** The first view has to be delivered too. */
  readonly fromStart?: boolean
  /** What is under way from a removed node may come after the view without it. */
  readonly late?: boolean
  /** Messages of different kinds overtake each other. */
  readonly overtaking?: boolean
  readonly placement?: 'first' | 'hash'
  readonly mutant?: LinFastReadMutant
  /** Values are no digits: they are left to the history. */
  readonly anyValues?: boolean
  /** Only values that a client could see are judged: I2 and I3. */
  readonly onlyValues?: boolean
  /** Histories are kept, and judged at rest. */
  readonly history?: (events: readonly HistoryEvent[]) => boolean
}

/** Each thing that is equal to another is that other, and known by its number. */
class Shelf<Item> {
  readonly #numbers = new Map<string, number>()
  readonly #items: Item[] = []

  numberOf(item: Item): number {
    const text = canonical(item)
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    this.#numbers.set(text, this.#items.length)
    return this.#items.push(item) - 1
  }

  at(number: number): Item {
    return this.#items[number] as Item
  }
}

interface Step {
  readonly machine: number
  readonly outputs: readonly LinFastReadOutput[]
}

/** Far fewer than states of the world are those of one machine, and what it does in them. */
export class Shelves {
  readonly machines = new Shelf<LinFastReadState>()
  readonly messages = new Shelf<LinFastReadMessage>()
  readonly #steps = new Map<string, Step>()

  step(machine: number, key: string, input: LinFastReadInput): Step {
    const known = this.#steps.get(`${machine} ${key}`)
    if (known !== undefined) return known
    const state = copyPlain(this.machines.at(machine))
    const outputs = linFastRead.step(state, input)
    const step = { machine: this.machines.numberOf(state), outputs }
    this.#steps.set(`${machine} ${key}`, step)
    return step
  }
}

/** Frozen, so that states share it. */
export interface ModelNode {
  readonly place: number
  readonly status: 'live' | 'over' | 'dead'
  /** The next view that it is to be told. */
  readonly epoch: number
  readonly at: number
  /** Calls without an answer. */
  readonly open: readonly number[]
  /** Number of its machine's state. */
  readonly machine: number
}

export interface World {
  nodes: ModelNode[]
  readonly views: (readonly number[])[]
  /** By sender and receiver: numbers of messages. */
  readonly channels: Map<string, number[]>
  removals: number
  joins: number
  readonly monitor: Monitor
  readonly history: HistoryEvent[]
}

interface Stage {
  readonly scenario: Scenario
  readonly shelves: Shelves
}

export function linFastReadModel(scenario: Scenario): Model<World> {
  const shelves = new Shelves()
  const stage = { scenario, shelves }
  return {
    initial: () => initial(stage),
    moves: (world) => moves(stage, world),
    apply: (world, move) => {
      apply(stage, world, move)
      checkCopies(world, shelves, scenario)
    },
    atRest: (world) => checkRest(world, shelves, scenario.history),
  }
}

function newNode({ scenario, shelves }: Stage, place: number, epoch: number): ModelNode {
  const { founders, placement = 'first', mutant } = scenario
  const parameters = { place, founders, placement, ...(mutant === undefined ? {} : { mutant }) }
  const machine = shelves.machines.numberOf(linFastRead.initial(parameters))
  return Object.freeze({ place, status: 'live', epoch, at: 0, open: Object.freeze([]), machine })
}

function initial(stage: Stage): World {
  const { scenario } = stage
  const first = Object.freeze(Array.from({ length: scenario.founders + 1 }, (_, at) => at))
  const world: World = {
    nodes: first.map((place) => newNode(stage, place, 1)),
    views: [first],
    channels: new Map(),
    removals: scenario.removals ?? 0,
    joins: scenario.joins ?? 0,
    monitor: initialMonitor(),
    history: [],
  }
  if (!scenario.fromStart) for (const place of first) deliverView(stage, world, place, 1)
  return world
}

function moves({ scenario, shelves }: Stage, world: World): readonly Move[] {
  const found: Move[] = []
  const add = (kind: string, client: number, fault = false): unknown =>
    found.push({ kind, client, fault })
  const last = world.views.at(-1) as readonly number[]
  for (const node of world.nodes) {
    const { place, status } = node
    if (status !== 'live') {
      if (last.includes(place)) add('publish', place)
      continue
    }
    const length = scenario.scripts[place]?.length ?? 0
    if (node.at < length && (scenario.pipelined || node.open.length === 0)) add('call', place)
    if (node.epoch <= world.views.length) add('view', place)
    if (scenario.skips && node.epoch < world.views.length) add('skip', place)
    const mortal = scenario.mortal?.includes(place) ?? place !== 0
    if (world.removals > 0 && mortal && last.includes(place)) add('expire', place, true)
  }
  if (world.joins > 0) add('join', world.nodes.length, true)
  for (const [key, queue] of world.channels) {
    const lanes = new Set<string>()
    for (const [at, message] of queue.entries()) {
      const lane = scenario.overtaking ? laneOf(shelves.messages.at(message)) : ''
      if (lanes.has(lane)) continue
      lanes.add(lane)
      add(`take ${key}`, at)
      if (!scenario.overtaking) break
    }
  }
  return found
}

/** What must stay in order: see "Order" on the page. */
function laneOf(message: LinFastReadMessage): string {
  const kind = message[0]
  return kind === 'restore' || kind === 'synced' ? 'invalidate' : kind
}

function apply(stage: Stage, world: World, move: Move): void {
  const { scenario } = stage
  const [kind = '', key = ''] = move.kind.split(' ')
  const place = move.client
  const node = world.nodes[place]
  switch (kind) {
    case 'call':
      return call(stage, world, place)
    case 'view':
      return deliverView(stage, world, place, node?.epoch ?? 0)
    case 'skip':
      return deliverView(stage, world, place, (node?.epoch ?? 0) + 1)
    case 'expire':
      world.removals -= 1
      change(world, place, { status: scenario.zombies ? 'over' : 'dead' })
      if (!scenario.zombies) dropTo(world, place)
      return
    case 'publish':
      world.views.push(Object.freeze((world.views.at(-1) ?? []).filter((each) => each !== place)))
      return
    case 'join':
      world.joins -= 1
      world.nodes.push(newNode(stage, place, world.views.length + 1))
      world.views.push(Object.freeze([...(world.views.at(-1) ?? []), place]))
      return
    case 'take':
      return take(stage, world, key, move.client)
    default:
      throw new Error(`no such move: ${move.kind}`)
  }
}

function change(world: World, place: number, part: Partial<ModelNode>): void {
  world.nodes = [...world.nodes]
  world.nodes[place] = Object.freeze({ ...(world.nodes[place] as ModelNode), ...part })
}

function dropTo(world: World, place: number): void {
  for (const key of [...world.channels.keys()]) {
    if (key.endsWith(`>${place}`)) world.channels.delete(key)
  }
}

function call(stage: Stage, world: World, place: number): void {
  const { scenario } = stage
  const node = world.nodes[place] as ModelNode
  const operation = scenario.scripts[place]?.[node.at] as StrictOperation
  const number = node.at + 1
  change(world, place, { at: number, open: Object.freeze([...node.open, number]) })
  if (!scenario.anyValues) called(world.monitor, place, number, operation)
  if (scenario.history !== undefined) {
    world.history.push(Object.freeze(['call', place, operation] as const))
  }
  const rest = { client: 1, call: number, owner: 0, thread: 0, blocking: false }
  const input = { type: 'request', ...rest, operation, mayServe: true } as const
  step(stage, world, place, `call ${place} ${number}`, input)
}

function deliverView(stage: Stage, world: World, place: number, epoch: number): void {
  const members = world.views[epoch - 1] as readonly number[]
  if (!stage.scenario.late) {
    for (const key of [...world.channels.keys()]) {
      const [from, to] = key.split('>').map(Number) as [number, number]
      // A node that is to join later is no removed one.
      const isGone = world.nodes[from]?.status !== 'live' && !members.includes(from)
      if (to === place && isGone) world.channels.delete(key)
    }
  }
  change(world, place, { epoch: epoch + 1 })
  const view = { epoch, members }
  step(stage, world, place, `view ${epoch} ${members}`, { type: 'view', view, mayServe: true })
}

function take(stage: Stage, world: World, key: string, at: number): void {
  const [from, to] = key.split('>').map(Number) as [number, number]
  const queue = world.channels.get(key) as number[]
  const [number] = queue.splice(at, 1) as [number]
  if (queue.length === 0) world.channels.delete(key)
  const mayServe = world.nodes[to]?.status === 'live'
  const message = stage.shelves.messages.at(number)
  const input = { type: 'message', from, message, mayServe } as const
  step(stage, world, to, `message ${from} ${number} ${mayServe}`, input)
}

function step(
  stage: Stage,
  world: World,
  place: number,
  key: string,
  input: LinFastReadInput,
): void {
  const { scenario, shelves } = stage
  const before = (world.nodes[place] as ModelNode).machine
  const { machine, outputs } = shelves.step(before, key, input)
  change(world, place, { machine })
  afterStep(world, shelves, before, machine, outputs, scenario)
  for (const output of outputs) perform(stage, world, place, output)
}

function perform(
  { scenario, shelves }: Stage,
  world: World,
  place: number,
  output: LinFastReadOutput,
): void {
  if (output.type === 'send') {
    if (world.nodes[output.to]?.status === 'dead') return
    const key = `${place}>${output.to}`
    const queue = world.channels.get(key)
    const message = shelves.messages.numberOf(Object.freeze(output.message))
    if (queue === undefined) world.channels.set(key, [message])
    else queue.push(message)
  } else if (output.type === 'answer' || output.type === 'refuse') {
    const node = world.nodes[place] as ModelNode
    change(world, place, { open: Object.freeze(node.open.filter((one) => one !== output.call)) })
    const answer: StrictAnswer | string =
      output.type === 'answer' ? output.answer : `refused: ${output.code}`
    const operation = scenario.scripts[place]?.[output.call - 1] as StrictOperation
    if (!scenario.anyValues) answered(world.monitor, place, output.call, operation, answer)
    if (scenario.history !== undefined) {
      world.history.push(Object.freeze(['return', place, answer] as const))
    }
  }
}
