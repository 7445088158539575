/**
 * Nodes that pass one ref around, with routines and their results, as a model to explore. Each has
 * one thread, whose objects of the ref come and go. Between two nodes are three lanes that overtake
 * each other, as on a link: of routines, of the machines' small messages, and of values. Nodes
 * crash besides, and others notice that one by one.
 *
 * Beside the machines stands a monitor. What it checks is told in docs/protocols/ref.md (R1 to R5).
 */
import {
  type RefInput,
  type RefMutant,
  type RefOutput,
  type RefState,
  refMachine,
} from '../../lib/protocol/ref.ts'
import type { RefMessage } from '../../lib/wire/ref-messages.ts'
import { type Model, type Move, Violation } from './explore.ts'

export interface Scenario {
  readonly nodes: number
  /** Who puts the value. */
  readonly owner?: number
  /** Routines that are started, each with the ref. */
  readonly starts: number
  /** How often a thread reads the value. */
  readonly gets: number
  /** Routines may give the ref back. */
  readonly returns?: boolean
  readonly crashes?: number
  readonly mutant?: RefMutant
}

type Carried =
  | readonly ['order', routine: number]
  | readonly ['result', routine: number, carries: boolean]

/** A routine of another node that runs here. */
interface Running {
  readonly from: number
  readonly routine: number
  /** Its thread has made an object of the ref. */
  begun: boolean
}

interface NodeProcess {
  readonly place: number
  alive: boolean
  readonly state: RefState
  /** Objects of the ref in its thread. */
  objects: number
  /** The value is in its memory. */
  hasValue: boolean
  /** The owner has sent it the value. */
  wasSent: boolean
  /** Reads that have no answer. */
  open: number
  /** Results on their way to the thread. */
  deliveries: number
  readonly running: Running[]
  /** Routines that it has started at others, by number, with the place of each. */
  started: Map<number, number>
  /** Who has passed the ref to it. */
  readonly sources: Set<number>
  readonly noticed: Set<number>
}

export interface World {
  routines: number
  starts: number
  gets: number
  crashes: number
  readonly owner: number
  readonly returns: boolean
  readonly nodes: NodeProcess[]
  /** By `from to lane`. */
  lanes: Map<string, (Carried | RefMessage)[]>
}

const refOf = (world: World): number => world.owner * 2 ** 32 + 1

export function refModel(scenario: Scenario): Model<World> {
  return {
    initial: () => initial(scenario),
    moves,
    apply: (world, move) => {
      apply(world, move)
      checkHeld(world)
    },
    atRest: checkAtRest,
  }
}

function initial(scenario: Scenario): World {
  const { nodes: count, owner = 0, starts, gets, returns = false, crashes = 0, mutant } = scenario
  const node = (place: number): NodeProcess => ({
    place,
    alive: true,
    state: refMachine.initial(mutant === undefined ? { place } : { place, mutant }),
    objects: place === owner ? 1 : 0,
    hasValue: place === owner,
    wasSent: false,
    open: 0,
    deliveries: 0,
    running: [],
    started: new Map(),
    sources: new Set(),
    noticed: new Set(),
  })
  const nodes = Array.from({ length: count }, (_, place) => node(place))
  const world = { routines: 0, starts, gets, crashes, owner, returns, nodes, lanes: new Map() }
  step(world, nodes[owner] as NodeProcess, { type: 'put', client: owner, ref: refOf(world) })
  return world
}

// What may happen. A move's number says where, and where to: `from * 10 + to`.

function moves(world: World): readonly Move[] {
  const found: Move[] = []
  const add = (kind: string, client: number, fault = false): unknown =>
    found.push({ kind, client, fault })
  for (const [lane, messages] of world.lanes) {
    const [from = '', to = '', name = ''] = lane.split(' ')
    const isTaken = world.nodes[Number(to)]?.alive === true
    if (messages.length > 0 && isTaken) add(`take ${name}`, Number(from) * 10 + Number(to))
  }
  for (const node of world.nodes) {
    const { place } = node
    if (!node.alive) {
      for (const other of world.nodes) {
        if (other.alive && !other.noticed.has(place)) add('notice', place * 10 + other.place)
      }
      continue
    }
    addOwn(world, node, add)
    if (world.crashes > 0) add('crash', place, true)
  }
  return found
}

function addOwn(world: World, node: NodeProcess, add: (kind: string, client: number) => unknown) {
  const { place } = node
  if (node.objects > 0) {
    add('drop', place)
    if (world.gets > 0) add('get', place)
    for (const other of world.nodes) {
      const knows = other !== node && !node.noticed.has(other.place)
      if (world.starts > 0 && knows) add('start', place * 10 + other.place)
    }
  }
  if (node.deliveries > 0) add('deliver', place)
  for (const { begun, routine } of node.running) {
    if (!begun) add('begin', routine * 10 + place)
    else {
      add('end', routine * 10 + place)
      if (world.returns && node.objects > 0) add('return', routine * 10 + place)
    }
  }
}

function apply(world: World, { kind, client: number }: Move): void {
  const [name, lane] = kind.split(' ')
  const high = Math.floor(number / 10)
  const node = world.nodes[number % 10] as NodeProcess
  switch (name) {
    case 'take':
      return receive(world, high, node, lane as string)
    case 'notice':
      return notice(world, node, high)
    case 'crash':
      world.crashes -= 1
      node.alive = false
      return
    case 'drop':
      node.objects -= 1
      return objectsFell(world, node, node.objects + 1)
    case 'get':
      world.gets -= 1
      node.open += 1
      return step(world, node, { type: 'asked', client: node.place, call: 1, ref: refOf(world) })
    case 'start':
      return start(world, world.nodes[high] as NodeProcess, node.place)
    case 'deliver':
      node.deliveries -= 1
      made(world, node)
      return step(world, node, { type: 'delivered', client: node.place, refs: [refOf(world)] })
    case 'begin':
      runningOf(node, high).begun = true
      return made(world, node)
    default:
      return end(world, node, high, name === 'return')
  }
}

function runningOf(node: NodeProcess, routine: number): Running {
  return node.running.find((one) => one.routine === routine) as Running
}

/** The thread tells of the first object, and of the end of the last. */
function made(world: World, node: NodeProcess): void {
  node.objects += 1
  if (node.objects > 1) return
  step(world, node, { type: 'take', client: node.place, ref: refOf(world) })
}

function objectsFell(world: World, node: NodeProcess, before: number): void {
  if (before > 0 && node.objects === 0) {
    step(world, node, { type: 'drop', client: node.place, ref: refOf(world) })
  }
}

function start(world: World, node: NodeProcess, to: number): void {
  world.starts -= 1
  world.routines += 1
  const routine = world.routines
  node.started.set(routine, to)
  step(world, node, { type: 'submitted', routine, refs: [refOf(world)] })
  step(world, node, { type: 'sent', to, refs: [refOf(world)] })
  send(world, node.place, to, 'routines', ['order', routine])
}

function end(world: World, node: NodeProcess, routine: number, carries: boolean): void {
  const { from } = runningOf(node, routine)
  const at = node.running.findIndex((one) => one.routine === routine)
  node.running.splice(at, 1)
  if (node.noticed.has(from)) return
  if (carries) step(world, node, { type: 'sent', to: from, refs: [refOf(world)] })
  step(world, node, { type: 'orderEnded', from, routine })
  send(world, node.place, from, 'routines', ['result', routine, carries])
}

function send(
  world: World,
  from: number,
  to: number,
  lane: string,
  message: Carried | RefMessage,
): void {
  const key = `${from} ${to} ${lane}`
  const before = world.lanes.get(key) ?? []
  world.lanes.set(key, [...before, message])
}

function receive(world: World, from: number, node: NodeProcess, lane: string): void {
  const key = `${from} ${node.place} ${lane}`
  const [message, ...rest] = world.lanes.get(key) as (Carried | RefMessage)[]
  if (rest.length > 0) world.lanes.set(key, rest)
  else world.lanes.delete(key)
  if (node.noticed.has(from) || message === undefined) return
  const refs = [refOf(world)]
  if (message[0] === 'order') {
    node.sources.add(from)
    step(world, node, { type: 'received', from, refs, routine: message[1] })
    node.running.push({ from, routine: message[1], begun: false })
  } else if (message[0] === 'result') {
    const [, routine, carries] = message
    if (carries) {
      node.sources.add(from)
      step(world, node, { type: 'received', from, refs, routine: undefined })
      step(world, node, { type: 'delivering', client: node.place, refs })
      node.deliveries += 1
    }
    node.started.delete(routine)
    step(world, node, { type: 'settled', routine })
    if (carries) step(world, node, { type: 'passed' })
  } else {
    if (message[0] === 'data') node.hasValue = true
    step(world, node, { type: 'message', from, message })
  }
}

/** What it had started there has failed, and what that had started here is given up. */
function notice(world: World, node: NodeProcess, lost: number): void {
  node.noticed.add(lost)
  for (const [routine, place] of [...node.started]) {
    if (place !== lost) continue
    node.started.delete(routine)
    step(world, node, { type: 'settled', routine })
  }
  const left = node.running.filter(({ from, begun }) => from !== lost || begun)
  node.running.splice(0, Infinity, ...left)
  step(world, node, { type: 'nodeLost', place: lost })
}

// The machines.

function step(world: World, node: NodeProcess, input: RefInput): void {
  for (const output of refMachine.step(node.state, input)) perform(world, node, output)
}

function perform(world: World, node: NodeProcess, output: RefOutput): void {
  switch (output.type) {
    case 'send':
      if (output.message[0] === 'fetch' && (node.hasValue || isFetching(world, node))) {
        throw new Violation(`R3: node ${node.place} asks for a value twice`)
      }
      return send(world, node.place, output.to, 'refs', output.message)
    case 'sendData':
      if (!node.hasValue) throw new Violation(`R5: node ${node.place} sends what it has not`)
      sendOnce(world.nodes[output.to] as NodeProcess)
      return send(world, node.place, output.to, 'values', ['data', output.ref, []])
    case 'answer':
      if (!node.hasValue) throw new Violation(`R5: node ${node.place} reads what it has not`)
      node.open -= 1
      return
    case 'refuse':
      node.open -= 1
      return checkRefusal(world, node)
    case 'free':
      node.hasValue = false
  }
}

function sendOnce(to: NodeProcess): void {
  if (to.wasSent) throw new Violation(`R3: the value goes to node ${to.place} twice`)
  to.wasSent = true
}

function isFetching(world: World, { place }: NodeProcess): boolean {
  const asked = world.lanes.get(`${place} ${world.owner} refs`) ?? []
  const isAsked = asked.some(([name]) => name === 'fetch')
  return isAsked || world.lanes.has(`${world.owner} ${place} values`)
}

// The monitor.

const isLost = (world: World, place: number): boolean => world.nodes[place]?.alive === false

/** Nobody whom the ref has come from is lost, nor who these had it from. */
function isSureOf(world: World, node: NodeProcess): boolean {
  const from = new Set([node.place])
  for (const place of from) {
    if (isLost(world, place)) return false
    for (const source of world.nodes[place]?.sources ?? []) from.add(source)
  }
  return true
}

function checkRefusal(world: World, node: NodeProcess): void {
  if (isLost(world, world.owner)) return
  if (!isSureOf(world, node)) return
  throw new Violation(`R1: node ${node.place} is refused a value that it holds`)
}

function checkHeld(world: World): void {
  const owner = world.nodes[world.owner] as NodeProcess
  if (!owner.alive || owner.hasValue) return
  for (const node of world.nodes) {
    const holds = node.objects + node.deliveries + node.running.length + node.started.size > 0
    if (holds && isSureOf(world, node))
      throw new Violation(`R1: freed, while node ${node.place} holds it`)
  }
}

function checkAtRest(world: World): void {
  for (const { alive, place, open, state, hasValue } of world.nodes) {
    if (!alive) continue
    if (open > 0) throw new Violation(`R4: a read at node ${place} has no answer`)
    if (state.entries.size > 0 || state.holders.size > 0 || hasValue) {
      throw new Violation(`R2: node ${place} keeps what nobody holds`)
    }
  }
}
