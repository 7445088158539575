/**
 * Nodes with their replicas, the master's lock machine, and threads that run scripts, as a model to
 * explore. Place 1 is the master. Links are FIFO and hold messages for as long as they like; views
 * come to each node one by one, at any time. A node is removed in two moves: its lease ends, and
 * then the spawner says so; it runs on (a zombie), and what is on its links comes or is lost.
 *
 * The driver is the one of docs/protocols/update-on-release.md: what orders to the lock machine
 * bring about is taken after all outputs of the step.
 */
import type { LockInput } from '../../lib/protocol/lock.ts'
import { lock } from '../../lib/protocol/lock.ts'
import type { LockOrder, View } from '../../lib/protocol/replica.ts'
import type {
  UpdateOnReleaseInput,
  UpdateOnReleaseMutant,
  UpdateOnReleaseOutput,
} from '../../lib/protocol/update-on-release.ts'
import { updateOnRelease } from '../../lib/protocol/update-on-release.ts'
import type { Model, Move } from './explore.ts'
import { Violation } from './explore.ts'
import {
  afterStep,
  beforeStep,
  checkAtRest,
  checkReplicas,
  initialMonitor,
  lockNews,
} from './update-on-release-monitor.ts'
import { answerThread, operationOf } from './update-on-release-threads.ts'
import type { Fed, Instruction, ModelThread, Scenario, World } from './update-on-release-world.ts'
import { clientOf, master, nodeAt, ownerOf } from './update-on-release-world.ts'

export function updateOnReleaseModel(scenario: Scenario): Model<World> {
  return {
    initial: () => initial(scenario),
    moves: (world) => moves(scenario, world),
    apply: (world, move) => apply(scenario, world, move),
    atRest: (world) => {
      checkAtRest(world)
      scenario.outcome?.(world.threads.map(({ reads }) => reads))
    },
  }
}

function initial(scenario: Scenario): World {
  const places = scenario.places ?? [0, 1, 2]
  const world: World = {
    nodes: new Map(),
    lock: lock.initial(),
    links: new Map(),
    views: [Object.freeze({ epoch: 1, members: Object.freeze([...places]) })],
    threads: scenario.scripts.map(({ place }) => ({
      place,
      at: 0,
      calls: 0,
      pending: null,
      holds: null,
      reads: [],
      over: null,
      ended: false,
    })),
    monitor: initialMonitor(),
    removed: -1,
    joined: false,
    faults: new Set(),
  }
  const { mutant } = scenario
  for (const place of places) addNode(world, place, mutant)
  if (scenario.joinOpen === true) return world
  for (const place of places) apply(scenario, world, { kind: 'view', client: place, fault: false })
  for (let more = true; more; ) {
    more = false
    for (const link of [...world.links.keys()]) {
      apply(scenario, world, { kind: `link ${link} 0`, client: 0, fault: false })
      more = true
    }
  }
  return world
}

function addNode(world: World, place: number, mutant?: UpdateOnReleaseMutant): void {
  const parameters = mutant === undefined ? {} : { mutant }
  const machine = updateOnRelease.initial({
    place,
    founders: 2,
    placement: 'first',
    ...parameters,
  })
  world.nodes.set(place, { machine, mayServe: true, views: 0 })
}

function moves(scenario: Scenario, world: World): readonly Move[] {
  const found: Move[] = []
  const add = (kind: string, client: number, fault = false): void => {
    found.push({ kind, client, fault })
  }
  for (const [link, messages] of world.links) {
    const any = scenario.reordered === true && link.startsWith(`${master}>`)
    for (let at = 0; at < (any ? messages.length : 1); at++) add(`link ${link} ${at}`, 0)
    if (world.removed >= 0 && link.split('>').includes(String(world.removed))) {
      add(`cut ${link}`, 0, true)
    }
  }
  for (const [place, { views }] of world.nodes) {
    if (views < world.views.length) add('view', place)
    // It hears only of the last.
    if (views > 0 && views + 1 < world.views.length) add('leap', place)
  }
  for (const [index, thread] of world.threads.entries()) {
    if (mayStep(scenario, world, thread, index)) add('step', index)
    if (thread.over !== null) continue
    const once = (name: string, who: readonly number[] | undefined): boolean =>
      who?.includes(index) === true && !world.faults.has(`${name} ${index}`)
    if (once('lose', scenario.lost)) add('lose', index, true)
    if (once('end', scenario.ends)) add('end', index, true)
    const waits = ['acquire', 'tryAcquire', 'wait'].includes(thread.pending?.[1][0] ?? '')
    if (waits && once('forget', scenario.forgets)) add('forget', index, true)
  }
  if (world.removed < 0) {
    for (const place of scenario.removable ?? []) {
      const node = world.nodes.get(place)
      const others = [...world.nodes].some(([other, each]) => other !== place && !each.mayServe)
      if (node === undefined || others) continue
      add(node.mayServe ? 'expire' : 'remove', place, node.mayServe)
    }
  }
  if (scenario.joiner !== undefined && !world.joined) add('join', scenario.joiner)
  return found
}

function mayStep(scenario: Scenario, world: World, thread: ModelThread, index: number): boolean {
  if (thread.over !== null || thread.pending !== null) return false
  const instruction = scenario.scripts[index]?.steps[thread.at]
  if (instruction === undefined) return false
  if (instruction[0] === 'after') {
    return (world.threads[instruction[1]]?.at ?? 0) >= instruction[2]
  }
  const node = world.nodes.get(thread.place)
  // A node serves its threads from its first view on.
  return node !== undefined && node.machine.epoch > 0
}

function apply(scenario: Scenario, world: World, move: Move): void {
  const [kind, link = '', at = '0'] = move.kind.split(' ')
  const who = move.client
  if (kind === 'lose' || kind === 'end' || kind === 'forget') world.faults.add(`${kind} ${who}`)
  switch (kind) {
    case 'link': {
      const [from, to] = link.split('>').map(Number) as [number, number]
      const [message] = world.links.get(link)?.splice(Number(at), 1) ?? []
      if (world.links.get(link)?.length === 0) world.links.delete(link)
      if (message !== undefined) feed(world, to, { type: 'message', from, message })
      break
    }
    case 'cut':
      world.links.delete(link)
      break
    case 'view':
    case 'leap': {
      const node = nodeAt(world, who)
      if (kind === 'leap') node.views = world.views.length - 1
      const view = world.views[node.views]
      node.views += 1
      if (view !== undefined) feed(world, who, { type: 'view', view })
      break
    }
    case 'step':
      stepThread(scenario, world, who)
      break
    case 'expire':
      nodeAt(world, who).mayServe = false
      break
    case 'remove':
      world.removed = who
      addView(world, (members) => members.filter((place) => place !== who))
      break
    case 'join':
      world.joined = true
      addNode(world, who, scenario.mutant)
      addView(world, (members) => [...members, who])
      // It has its first view by the time it serves.
      nodeAt(world, who).views = world.views.length - 1
      break
    default:
      disturb(world, kind as string, who)
  }
  checkReplicas(world)
}

function addView(world: World, change: (members: readonly number[]) => number[]): void {
  const last = world.views.at(-1) as View
  const members = Object.freeze(change(last.members))
  world.views.push(Object.freeze({ epoch: last.epoch + 1, members }))
}

function disturb(world: World, kind: string, index: number): void {
  const thread = world.threads[index] as ModelThread
  const client = clientOf(index)
  if (kind === 'lose') {
    thread.over = 'lost'
    thread.pending = null
    thread.holds = null
    feed(world, thread.place, { type: 'clientLost', client })
  } else if (kind === 'end') {
    thread.ended = true
    feed(world, thread.place, { type: 'ownerEnded', client, owner: ownerOf(index) })
  } else if (kind === 'forget' && thread.pending !== null) {
    const [call] = thread.pending
    thread.pending = null
    thread.over = 'gave up'
    feed(world, thread.place, { type: 'forget', client, call })
  }
}

function stepThread(scenario: Scenario, world: World, index: number): void {
  const thread = world.threads[index] as ModelThread
  const instruction = scenario.scripts[index]?.steps[thread.at] as Instruction
  thread.at += 1
  if (instruction[0] === 'after') return
  const operation = operationOf(world, thread, instruction)
  const told = instruction[0] === 'tell'
  if (!told) thread.calls += 1
  const call = told ? 0 : thread.calls
  if (!told) thread.pending = Object.freeze([call, instruction])
  if (operation[0] === 'release') thread.holds = null
  const rest = { owner: ownerOf(index), thread: index, blocking: true, operation }
  feed(world, thread.place, { type: 'request', client: clientOf(index), call, ...rest })
}

/** An input and all that it brings about at this node, as the driver takes it. */
function feed(world: World, place: number, first: Fed): void {
  const node = nodeAt(world, place)
  const inputs: Fed[] = [first]
  for (let input = inputs.shift(); input !== undefined; input = inputs.shift()) {
    beforeStep(world, place, input)
    const fed = { ...input, mayServe: node.mayServe } as UpdateOnReleaseInput
    const outputs = updateOnRelease.step(node.machine, fed)
    afterStep(world, place, input, outputs)
    for (const output of outputs) perform(world, place, output, inputs)
  }
}

function perform(world: World, place: number, output: UpdateOnReleaseOutput, inputs: Fed[]): void {
  switch (output.type) {
    case 'send': {
      const link = `${place}>${output.to}`
      const message = Object.freeze(output.message)
      const messages = world.links.get(link)
      if (messages === undefined) world.links.set(link, [message])
      else messages.push(message)
      return
    }
    case 'lock':
    case 'lockForget':
      if (place !== master) throw new Violation('only the master has locks')
      inputs.push(...orderLock(world, output))
      return
    case 'answer':
    case 'refuse':
      return answerThread(world, output)
    default:
      return
  }
}

function orderLock(world: World, order: LockOrder): readonly Fed[] {
  const { client, call } = order
  const input: LockInput =
    order.type === 'lock' ? { ...order, type: 'request' } : { type: 'forget', client, call }
  const news: Fed[] = []
  for (const output of lock.step(world.lock, input)) {
    if (output.type === 'granted' || output.type === 'freed') {
      const type = output.type === 'granted' ? 'lockGranted' : 'lockFreed'
      news.push({ type, lock: output.lock, token: output.token })
    } else if (output.type === 'answer') {
      const token = output.answer ?? 0
      news.push({ type: 'lockAnswered', client: output.client, call: output.call, token })
    } else if (output.type === 'refuse') {
      const { code, message } = output
      news.push({ type: 'lockRefused', client: output.client, call: output.call, code, message })
    } else if (output.type === 'forgotten' && !output.forgotten) {
      throw new Violation(`U7: the order ${client} ${call} was taken back after it was granted`)
    }
  }
  lockNews(world, order, news)
  return news
}
