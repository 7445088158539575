/**
 * A master with its lock and strict machines, and nodes with a client each that takes the lock,
 * writes under it, and lets it go, as a model to explore. Time goes by in whole units; clocks drift
 * by a quarter, the worst way round. Messages take as long as they like, and nobody has to do
 * anything when it is due: a process that stands still is one that does nothing for a while. Nodes
 * are killed besides.
 *
 * Beside the machines stands a monitor. What it checks is told in docs/protocols/lock.md (L1, L2,
 * and N1 to N4).
 */
import { type LockMutant, type LockOutput, type LockState, lock } from '../../lib/protocol/lock.ts'
import {
  type SessionMasterMutant,
  type SessionMasterState,
  sessionMaster,
} from '../../lib/protocol/session-master.ts'
import {
  believes,
  type SessionNodeInput,
  type SessionNodeMutant,
  type SessionNodeState,
  sessionNode,
} from '../../lib/protocol/session-node.ts'
import type { SessionTimes } from '../../lib/protocol/session-times.ts'
import { type StrictMutant, type StrictState, strict } from '../../lib/protocol/strict.ts'
import { type Model, type Move, Violation } from './explore.ts'

/** A lease of 1.5 by a clock of rate 0.75 is 2 in true time, and so is a wait of 2.5 by 1.25. */
const times: SessionTimes = Object.freeze({
  leaseMs: 1.5,
  waitMs: 2.5,
  keepEveryMs: 0.75,
  lateMs: 0.625,
})
const nodeRate = 0.75
const masterRate = 1.25

export interface Scenario {
  readonly nodes: number
  /** Threads of the master's own node, which need no session. */
  readonly locals?: number
  readonly horizon: number
  /** So often the first node writes under the lock; the others do not. */
  readonly writes?: number
  /** Keeps that the first node sends after that which opens its session; the others send none. */
  readonly keeps?: number
  /** The first node may be killed. */
  readonly kills?: number
  /** How often the first node takes the lock; the others do it once. */
  readonly rounds?: number
  readonly mutants?: Mutants
}

export interface Mutants {
  readonly node?: SessionNodeMutant
  readonly master?: SessionMasterMutant
  readonly strict?: StrictMutant
  readonly lock?: LockMutant
}

type Up =
  | readonly ['keep', session: number, nonce: number]
  | readonly ['part', session: number]
  | readonly ['acquire', call: number, session: number]
  | readonly ['write', token: number]
  | readonly ['release', token: number]
type Down = readonly ['kept' | 'granted', number, number] | readonly ['ended' | 'refused', number]

interface NodeProcess {
  readonly client: number
  readonly isLocal: boolean
  alive: boolean
  keeps: number
  rounds: number
  calls: number
  /** Of the call that has no answer, the session it was made under. */
  asked: number | null
  /** What its thread takes for its own, whatever its hub knows. */
  token: number
  writes: number
  readonly session: SessionNodeState
  readonly up: Up[]
  readonly down: Down[]
}

export interface World {
  time: number
  kills: number
  readonly lock: LockState
  readonly strict: StrictState
  readonly sessions: SessionMasterState[]
  readonly nodes: NodeProcess[]
  /** Who holds the lock by the order of the grants, and the token given last. */
  holder: number
  lastToken: number
}

export function sessionModel(scenario: Scenario): Model<World> {
  return {
    initial: () => initial(scenario),
    moves: (world) => moves(scenario, world),
    apply: (world, move) => {
      apply(world, move)
      checkBeliefs(world)
    },
    atRest: checkAtRest,
  }
}

function initial({ mutants = {}, ...scenario }: Scenario): World {
  const { nodes: remote, locals = 0, kills = 0, keeps = 0, writes = 0, rounds = 1 } = scenario
  const count = remote + locals
  const mutant = <M extends string>(one: M | undefined) =>
    one === undefined ? {} : { mutant: one }
  const node = (client: number): NodeProcess => ({
    client,
    isLocal: client >= remote,
    alive: true,
    keeps: client === 0 ? keeps : 0,
    rounds: client === 0 ? rounds : 1,
    calls: 0,
    asked: null,
    token: 0,
    writes: client === 0 ? writes : 0,
    session: sessionNode.initial({ times, ...mutant(mutants.node) }),
    up: [],
    down: [],
  })
  const sessions = Array.from({ length: count }, () =>
    sessionMaster.initial({ times, ...mutant(mutants.master) }),
  )
  return {
    time: 0,
    kills,
    lock: lock.initial(mutant(mutants.lock)),
    strict: strict.initial(mutant(mutants.strict)),
    sessions,
    nodes: Array.from({ length: count }, (_, client) => node(client)),
    holder: -1,
    lastToken: 0,
  }
}

const nodeNow = (world: World): number => world.time * nodeRate
const masterNow = (world: World): number => world.time * masterRate

function moves(scenario: Scenario, world: World): readonly Move[] {
  const found: Move[] = []
  const add = (kind: string, client: number, fault = false): unknown =>
    found.push({ kind, client, fault })
  if (world.time < scenario.horizon) add('advance', 0)
  for (const node of world.nodes) {
    const { client, session } = node
    const served = world.sessions[client] as SessionMasterState
    if (node.up.length > 0) add('take', client)
    const isDue = served.session !== 0 && masterNow(world) >= served.wakeAt
    if (isDue) add('tickMaster', client)
    if (!node.alive) continue
    if (node.down.length > 0) add('receive', client)
    if (isNodeDue(world, node)) add('tick', client)
    if (node.asked === null && node.token === 0 && node.rounds > 0) add('acquire', client)
    if (node.token !== 0 && node.writes > 0) add('write', client)
    if (node.token !== 0) add('release', client)
    if (world.kills > 0 && client === 0 && session.lastSession > 0) add('kill', client, true)
  }
  return found
}

/** Its last keeps may be late for as long as they like, as if the hub stood still. */
function isNodeDue(world: World, { session, keeps }: NodeProcess): boolean {
  if (session.session === 0) return false
  const now = nodeNow(world)
  return now >= session.leaseEndAt || (now >= session.keepAt && keeps > 0)
}

function apply(world: World, { kind, client }: Move): void {
  const node = world.nodes[client] as NodeProcess
  const now = nodeNow(world)
  switch (kind) {
    case 'advance':
      world.time += 1
      return
    case 'take':
      return take(world, node, node.up.shift() as Up)
    case 'tickMaster':
      return void stepMaster(world, node, { type: 'tick', now: masterNow(world) })
    case 'kill':
      world.kills -= 1
      node.alive = false
      return
    case 'tick':
      if (now >= node.session.keepAt && now < node.session.leaseEndAt) node.keeps -= 1
      return stepNode(node, { type: 'tick', now })
    case 'acquire':
      node.rounds -= 1
      node.calls += 1
      if (node.isLocal) {
        node.asked = 0
        return request(world, client, node.calls, ['acquire', 'l'], 0)
      }
      stepNode(node, { type: 'asked', now })
      node.asked = node.session.session
      node.up.push(Object.freeze(['acquire', node.calls, node.session.session] as const))
      return
    case 'receive':
      return receive(world, node, node.down.shift() as Down)
    default:
      return useLock(world, node, kind)
  }
}

/** As the hub does it: what may have passed on is not sent. */
function useLock(world: World, node: NodeProcess, kind: string): void {
  const { token } = node
  const now = nodeNow(world)
  if (node.isLocal) {
    node.token = 0
    return request(world, node.client, 0, ['release', 'l', token], 0)
  }
  stepNode(node, { type: 'tick', now })
  if (kind === 'release') {
    stepNode(node, { type: 'released', lock: 'l', token })
    node.up.push(Object.freeze(['release', token] as const))
    node.token = 0
    return
  }
  node.writes -= 1
  if (!believes(node.session, 'l', token, now)) return
  node.up.push(Object.freeze(['write', token] as const))
}

function stepNode(node: NodeProcess, input: SessionNodeInput): void {
  for (const output of sessionNode.step(node.session, input)) {
    if (output.type === 'keep') {
      node.up.push(Object.freeze(['keep', output.session, output.nonce] as const))
    } else if (output.type === 'part') {
      node.up.push(Object.freeze(['part', output.session] as const))
    } else if (output.type === 'lost') {
      if (output.token !== node.token) throw new Violation(`N3: ${output.token} is not held`)
    } else if (output.type === 'late') {
      // Whoever asked is refused.
      node.token = 0
    }
  }
}

function receive(world: World, node: NodeProcess, message: Down): void {
  const now = nodeNow(world)
  switch (message[0]) {
    case 'kept':
      return stepNode(node, { type: 'kept', session: message[1], nonce: message[2], now })
    case 'ended':
      return stepNode(node, { type: 'ended', session: message[1], now })
    case 'refused':
      node.asked = null
      return
    case 'granted': {
      const hold = { lock: 'l', token: message[2], client: node.client, owner: 0 }
      node.token = message[2]
      stepNode(node, { type: 'granted', session: node.asked ?? 0, now, ...hold })
      node.asked = null
    }
  }
}

function take(world: World, node: NodeProcess, message: Up): void {
  const { client } = node
  const now = masterNow(world)
  switch (message[0]) {
    case 'keep':
      stepMaster(world, node, { type: 'keep', session: message[1], nonce: message[2], now })
      return
    case 'part':
      stepMaster(world, node, { type: 'part', session: message[1], now })
      return
    case 'acquire': {
      const [, call, session] = message
      const isAdmitted = stepMaster(world, node, { type: 'asked', session, now })
      if (!isAdmitted) return void node.down.push(Object.freeze(['refused', call] as const))
      return request(world, client, call, ['acquire', 'l'], session)
    }
    case 'release':
      return request(world, client, 0, ['release', 'l', message[1]], 0)
    case 'write':
      return write(world, client, message[1])
  }
}

function stepMaster(
  world: World,
  node: NodeProcess,
  input: Parameters<typeof sessionMaster.step>[1],
): boolean {
  const { client } = node
  const state = world.sessions[client] as SessionMasterState
  let admitted = false
  for (const output of sessionMaster.step(state, input)) {
    if (output.type === 'kept') {
      node.down.push(Object.freeze(['kept', output.session, output.nonce] as const))
    } else if (output.type === 'unknown') {
      node.down.push(Object.freeze(['ended', output.session] as const))
    } else if (output.type === 'ended') {
      const { session } = output
      performLock(
        world,
        lock.step(world.lock, { type: 'sessionEnded', clients: [client], session }),
      )
    } else if (output.type === 'admitted') admitted = true
  }
  return admitted
}

function request(
  world: World,
  client: number,
  call: number,
  operation: readonly ['acquire', string] | readonly ['release', string, number],
  session: number,
): void {
  const who = { client, call, owner: 0, thread: 0, blocking: false, session }
  performLock(world, lock.step(world.lock, { type: 'request', ...who, operation }))
}

function performLock(world: World, outputs: readonly LockOutput[]): void {
  for (const output of outputs) {
    if (output.type === 'freed') {
      world.holder = -1
      strict.step(world.strict, { type: 'lockFreed', lock: output.lock, token: output.token })
    } else if (output.type === 'granted') {
      if (output.token <= world.lastToken) throw new Violation(`L2: token ${output.token} again`)
      world.lastToken = output.token
      world.holder = world.lock.locks.get('l')?.client ?? -1
      strict.step(world.strict, { type: 'lockGranted', lock: output.lock, token: output.token })
    } else if (output.type === 'answer' && output.call !== 0) {
      tell(world, output.client, ['granted', output.call, Number(output.answer)])
    } else if (output.type === 'refuse') tell(world, output.client, ['refused', output.call])
  }
}

function tell(world: World, client: number, message: Down): void {
  const node = world.nodes[client] as NodeProcess
  if (node.isLocal) {
    node.asked = null
    node.token = message[2] ?? 0
  } else if (node.alive) node.down.push(Object.freeze(message))
}

function write(world: World, client: number, token: number): void {
  const fences = [['l', token]] as const
  const operation = ['set', 'o', 'x', token, fences] as const
  const outputs = strict.step(world.strict, { type: 'request', client, call: 1, operation })
  const isDone = outputs[0]?.type === 'answer'
  const mayWrite = world.holder === client && world.lastToken === token
  if (isDone && !mayWrite) throw new Violation(`S3: ${client} wrote with token ${token}`)
}

/**
 * N1: whoever believes by its clock to hold the lock is the holder, whether or not it runs now. Two
 * cannot.
 */
function checkBeliefs(world: World): void {
  for (const { client, alive, isLocal, token, session } of world.nodes) {
    if (isLocal && token !== 0 && world.lock.locks.get('l')?.token !== token) {
      throw new Violation(`N1: ${client} believes in ${token}, which is over`)
    }
    const hold = session.holds.get('l')
    if (!alive || hold === undefined) continue
    if (!believes(session, 'l', hold.token, nodeNow(world))) continue
    const held = world.lock.locks.get('l')
    if (held?.token === hold.token && held.client === client) continue
    throw new Violation(`N1: ${client} believes in ${hold.token}, which is over`)
  }
}

/** N4: whoever still waits does so for somebody whose session is open. */
function checkAtRest(world: World): void {
  const held = world.lock.locks.get('l')
  for (const { client, alive, asked } of world.nodes) {
    if (!alive || asked === null) continue
    if (held === undefined) throw new Violation(`N4: ${client} waits for a free lock`)
    const open = world.sessions[held.client]?.session
    if (open !== held.session) {
      throw new Violation(`N4: ${client} waits for a session that is over`)
    }
    if (!held.queue.some((each) => each.client === client)) {
      throw new Violation(`N4: ${client} was forgotten`)
    }
  }
}
