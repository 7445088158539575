/**
 * A cluster of nodes with the machine of `Weak` objects, as a model to explore. Lanes between two
 * nodes are FIFO and hold messages for as long as they like; views come to each node one by one. A
 * node that is removed stops at any point, and what it had sent comes or not.
 *
 * Beside the machines stands a monitor (weak-monitor.ts), which knows the promises of
 * docs/protocols/weak.md and nothing of how the machines keep them.
 */
import type { View } from '../../lib/protocol/replica.ts'
import type { WeakMutant, WeakOutput, WeakState } from '../../lib/protocol/weak.ts'
import { weak } from '../../lib/protocol/weak.ts'
import type { WeakBounds } from '../../lib/protocol/weak-state.ts'
import type { WeakMessage, WeakOperation } from '../../lib/wire/weak-messages.ts'
import type { Model, Move } from './explore.ts'
import { copyPlain, Violation } from './explore.ts'
import type { WeakMonitor } from './weak-monitor.ts'
import {
  afterAnswer,
  afterStep,
  beforeRequest,
  checkAtRest,
  initialMonitor,
} from './weak-monitor.ts'

export interface WeakScenario {
  readonly name: string
  /** What the threads of each place do, one operation after the other. */
  readonly scripts: readonly (readonly WeakOperation[])[]
  /** Of these so many are in the first view, place 0 included. */
  readonly founders: number
  /** Places that may be removed, in this order or not at all. */
  readonly removals?: readonly number[]
  readonly order?: 'fifo' | 'causal'
  /** Messages of one lane overtake each other, and come twice. */
  readonly shuffled?: boolean
  /** What a removed node sent may come after the view that removes it. */
  readonly late?: boolean
  /** A node may miss a view if there is a later one. */
  readonly gaps?: boolean
  readonly bounds?: Partial<WeakBounds>
  /** Moves that have been made when the exploration begins. */
  readonly start?: readonly string[]
  /** Told at rest what each get answered, by place. */
  readonly outcome?: (reads: readonly (readonly unknown[])[]) => void
  /** A read that waits until another place has come so far: [place, instructions done]. */
  readonly after?: Readonly<Record<number, readonly [place: number, done: number]>>
}

export interface WeakNode {
  readonly state: WeakState
  alive: boolean
  /** How many views it was given, or passed over. */
  views: number
  at: number
  isWaiting: boolean
  readonly reads: unknown[]
}

export interface WeakWorld {
  readonly nodes: WeakNode[]
  readonly views: View[]
  readonly lanes: Map<string, WeakMessage[]>
  removals: number
  duplicates: number
  readonly monitor: WeakMonitor
}

export function weakModel(scenario: WeakScenario, mutant?: WeakMutant): Model<WeakWorld> {
  return {
    initial: () => {
      const world = initial(scenario, mutant)
      for (const name of scenario.start ?? []) {
        const move = moves(scenario, world).find((each) => `${each.kind} ${each.client}` === name)
        if (move === undefined) throw new Error(`${name}: no such move`)
        apply(scenario, world, move)
        freezeNodes(world)
      }
      return world
    },
    moves: (world) => moves(scenario, world),
    apply: (world, move) => {
      apply(scenario, world, move)
      freezeNodes(world)
    },
    atRest: (world) => {
      checkAtRest(world, scenario)
      scenario.outcome?.(world.nodes.map(({ reads }) => reads))
    },
  }
}

function initial(scenario: WeakScenario, mutant?: WeakMutant): WeakWorld {
  const founders = scenario.founders - 1
  const nodes = scenario.scripts.map((_, place): WeakNode => {
    const state = weak.initial({
      place,
      founders,
      placement: 'first',
      order: scenario.order ?? 'fifo',
      bounds: scenario.bounds ?? {},
      ...(mutant === undefined ? {} : { mutant }),
    })
    return { state, alive: true, views: 0, at: 0, isWaiting: false, reads: [] }
  })
  const members = nodes.map((_, place) => place).filter((place) => place <= founders)
  const world: WeakWorld = {
    nodes,
    views: [Object.freeze({ epoch: 1, members: Object.freeze(members) })],
    lanes: new Map(),
    removals: 0,
    duplicates: scenario.shuffled ? 1 : 0,
    monitor: initialMonitor(nodes.length),
  }
  // All founders have the first view before anything else.
  for (const place of members) giveView(scenario, world, place)
  freezeNodes(world)
  return world
}

/** A node that a move leaves alone is shared between states, and its text made once. */
function freezeNodes(world: WeakWorld): void {
  for (const node of world.nodes) Object.freeze(node)
}

/** A node that this move changes. */
function editNode(world: WeakWorld, place: number): WeakNode {
  const node = nodeAt(world, place)
  if (!Object.isFrozen(node)) return node
  const { state, reads } = node
  const edited = { ...node, state: copyPlain(state), reads: [...reads] }
  world.nodes[place] = edited
  return edited
}

function moves(scenario: WeakScenario, world: WeakWorld): readonly Move[] {
  const found: Move[] = []
  for (const [place, node] of world.nodes.entries()) {
    if (!node.alive) continue
    if (mayAsk(scenario, world, place)) found.push({ kind: 'ask', client: place, fault: false })
    if (node.views >= world.views.length || !isKnown(world, place)) continue
    const missing = world.views.length - node.views
    const first = world.views[node.views]
    // A node that joins gets no view in which it is not.
    const mayMiss = scenario.gaps || !first?.members.includes(place)
    if (first?.members.includes(place)) found.push({ kind: 'view', client: place, fault: false })
    if (mayMiss && missing > 1) found.push({ kind: 'miss', client: place, fault: false })
  }
  for (const [lane, messages] of world.lanes) {
    const [from, to] = lane.split('>').map(Number) as [number, number]
    const count = scenario.shuffled ? messages.length : 1
    for (let at = 0; at < count; at++) {
      found.push({ kind: `take ${from} ${at}`, client: to, fault: false })
    }
    if (world.duplicates > 0) found.push({ kind: `double ${from}`, client: to, fault: true })
    if (scenario.late && world.nodes[from]?.alive === false) {
      found.push({ kind: `lose ${from}`, client: to, fault: true })
    }
  }
  const next = scenario.removals?.[world.removals]
  if (next !== undefined && lastView(world).members.includes(next)) {
    found.push({ kind: 'remove', client: next, fault: true })
  }
  const joiner = world.nodes.findIndex((_, place) => !isKnown(world, place))
  if (joiner > 0) found.push({ kind: 'join', client: joiner, fault: true })
  return found
}

function lastView(world: WeakWorld): View {
  return world.views[world.views.length - 1] as View
}

/** Whether any view had it. */
function isKnown(world: WeakWorld, place: number): boolean {
  return world.views.some(({ members }) => members.includes(place))
}

function mayAsk(scenario: WeakScenario, world: WeakWorld, place: number): boolean {
  const node = nodeAt(world, place)
  if (node.isWaiting || node.state.epoch === 0) return false
  if (node.at >= (scenario.scripts[place]?.length ?? 0)) return false
  const after = scenario.after?.[place]
  return after === undefined || nodeAt(world, after[0]).at >= after[1]
}

function apply(scenario: WeakScenario, world: WeakWorld, move: Move): void {
  const place = move.client
  const [kind, from, at] = move.kind.split(' ') as [string, string, string]
  const lane = `${from}>${place}`
  switch (kind) {
    case 'ask':
      return ask(scenario, world, place)
    case 'view':
      return giveView(scenario, world, place)
    case 'miss':
      editNode(world, place).views += 1
      return
    case 'take': {
      const [message] = world.lanes.get(lane)?.splice(Number(at), 1) ?? []
      if (message === undefined) return
      if (world.lanes.get(lane)?.length === 0) world.lanes.delete(lane)
      return feed(world, place, Number(from), message)
    }
    case 'double': {
      world.duplicates -= 1
      const messages = world.lanes.get(lane)
      if (messages?.[0] !== undefined) messages.push(messages[0])
      return
    }
    case 'lose':
      world.lanes.delete(lane)
      return
    case 'remove':
      return remove(world, place)
    case 'join':
      addView(world, [...lastView(world).members, place])
      return
  }
}

function ask(scenario: WeakScenario, world: WeakWorld, place: number): void {
  const node = editNode(world, place)
  const operation = scenario.scripts[place]?.[node.at] as WeakOperation
  node.at += 1
  node.isWaiting = true
  beforeRequest(world, place, operation)
  const rest = { client: place, call: node.at, owner: 0, thread: 0, blocking: true }
  const outputs = weak.step(node.state, { type: 'request', ...rest, operation, mayServe: true })
  perform(world, place, outputs)
}

function giveView(scenario: WeakScenario, world: WeakWorld, place: number): void {
  const node = editNode(world, place)
  const view = world.views[node.views] as View
  node.views += 1
  const outputs = weak.step(node.state, { type: 'view', view, mayServe: true })
  for (const [from, each] of world.nodes.entries()) {
    // Unless it may come late, what a removed node sent is lost with it.
    const isOut = !each.alive && !view.members.includes(from)
    if (isOut && !scenario.late) world.lanes.delete(`${from}>${place}`)
  }
  perform(world, place, outputs)
}

function feed(world: WeakWorld, place: number, from: number, message: WeakMessage): void {
  const node = editNode(world, place)
  const outputs = weak.step(node.state, { type: 'message', from, message, mayServe: true })
  perform(world, place, outputs)
}

function remove(world: WeakWorld, place: number): void {
  world.removals += 1
  editNode(world, place).alive = false
  for (const lane of [...world.lanes.keys()]) {
    if (lane.endsWith(`>${place}`)) world.lanes.delete(lane)
  }
  const members = lastView(world).members.filter((each) => each !== place)
  addView(world, members)
}

function addView(world: WeakWorld, members: readonly number[]): void {
  const epoch = world.views.length + 1
  world.views.push(Object.freeze({ epoch, members: Object.freeze([...members]) }))
}

function perform(world: WeakWorld, place: number, outputs: readonly WeakOutput[]): void {
  for (const output of outputs) {
    if (output.type === 'send') {
      if (!nodeAt(world, output.to).alive) continue
      const lane = `${place}>${output.to}`
      const message = deepFreeze(output.message)
      const messages = world.lanes.get(lane)
      if (messages === undefined) world.lanes.set(lane, [message])
      else messages.push(message)
    } else if (output.type === 'answer') {
      const node = editNode(world, place)
      if (!node.isWaiting) throw new Violation('an answer that nobody waits for')
      node.isWaiting = false
      const value = afterAnswer(world, place, output.answer)
      if (value !== undefined) node.reads.push(value.read)
    } else if (output.type === 'refuse') {
      throw new Violation(`refused: ${output.message}`)
    }
  }
  afterStep(world, place)
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const item of Object.values(value)) deepFreeze(item)
    Object.freeze(value)
  }
  return value
}

export function nodeAt(world: WeakWorld, place: number): WeakNode {
  const node = world.nodes[place]
  if (node === undefined) throw new Error(`node ${place} does not exist`)
  return node
}
