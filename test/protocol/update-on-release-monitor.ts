/**
 * The promises U1 to U7 of docs/protocols/update-on-release.md, checked at every step from inputs
 * and outputs. The monitor keeps its own log: what the master is asked to release by whoever holds
 * the lock, as the lock machine has said. It knows nothing of how the machines keep their promises,
 * but looks at what each replica shows.
 */
import type { LockOrder } from '../../lib/protocol/replica.ts'
import { updateOnReleaseLock } from '../../lib/protocol/replica.ts'
import type { UpdateOnReleaseOutput } from '../../lib/protocol/update-on-release.ts'
import type {
  ReleaseWrite,
  UpdateOnReleaseMessage,
} from '../../lib/wire/update-on-release-messages.ts'
import { canonical, Violation } from './explore.ts'
import type { Fed, ModelNode, ModelThread, World } from './update-on-release-world.ts'
import { clientOf, master, nodeAt } from './update-on-release-world.ts'

interface LoggedEntry {
  readonly object: string
  readonly writes: readonly ReleaseWrite[]
}

export interface Monitor {
  readonly log: LoggedEntry[]
  readonly named: Set<string>
  /** The object of each lock that was ordered, by client and call. */
  readonly ordered: Map<string, string>
  /** With the number of the log's last entry when the lock was granted. */
  readonly holders: Map<string, Readonly<{ client: number; token: number; since: number }>>
  readonly tokens: Map<string, number>
  /** The number of the log's last entry when the call was performed. */
  readonly made: Map<string, number>
  /** How much of the log each replica has shown. */
  readonly shown: Map<number, number>
  /** What an `init` of a node asked that the master has not seen yet. */
  readonly early: { readonly from: number; readonly message: UpdateOnReleaseMessage }[]
}

export function initialMonitor(): Monitor {
  return {
    log: [],
    named: new Set(),
    ordered: new Map(),
    holders: new Map(),
    tokens: new Map(),
    made: new Map(),
    shown: new Map(),
    early: [],
  }
}

export function beforeStep(world: World, place: number, input: Fed): void {
  const { monitor } = world
  if (place !== master || !nodeAt(world, place).mayServe) return
  if (input.type === 'request') {
    const { client, call, operation } = input
    if (operation[0] === 'release') {
      const [, object, token, writes, ackAll] = operation
      release(world, ['release', client, call, object, token, writes, ackAll, null])
    } else if (operation[0] === 'init') {
      init(monitor, ['init', client, call, operation[1], operation[2]])
    }
  } else if (input.type === 'message') {
    const { from, message } = input
    const seen = world.views.slice(0, nodeAt(world, master).views)
    if (seen.at(-1)?.members.includes(from) === true) take(world, message)
    else if (!seen.some(({ members }) => members.includes(from))) {
      monitor.early.push(Object.freeze({ from, message }))
    }
  } else if (input.type === 'view') {
    for (const { from, message } of monitor.early) {
      if (input.view.members.includes(from)) take(world, message)
    }
    monitor.early.length = 0
  }
}

function take(world: World, message: UpdateOnReleaseMessage): void {
  if (message[0] === 'release') release(world, message)
  else if (message[0] === 'init') init(world.monitor, message)
}

type MessageOf<Name extends UpdateOnReleaseMessage[0]> = Extract<
  UpdateOnReleaseMessage,
  readonly [Name, ...unknown[]]
>

/** The one release that is right: by the holder, with its token. */
function release(world: World, message: MessageOf<'release'>): void {
  const [, client, call, object, token, writes, ackAll] = message
  const { monitor } = world
  const holder = monitor.holders.get(object)
  if (holder?.client !== client || holder.token !== token) return
  for (const [field, value] of writes) {
    if (field !== 'n') continue
    const before = Number(stateAfter(monitor, monitor.log.length).get(object)?.get('n') ?? 0)
    if (value === before + 1) continue
    throw new Violation(
      `U2: a section read n = ${Number(value) - 1}, after one that left ${before}`,
    )
  }
  if (writes.length > 0 || ackAll) monitor.log.push(Object.freeze({ object, writes }))
  if (call !== 0) monitor.made.set(`${client} ${call}`, monitor.log.length)
}

function init(monitor: Monitor, [, client, call, object, fields]: MessageOf<'init'>): void {
  const present = stateAfter(monitor, monitor.log.length).get(object)
  const writes = fields.filter(([field]) => {
    const isNamed = monitor.named.has(`${object}.${field}`)
    monitor.named.add(`${object}.${field}`)
    return !isNamed && present?.has(field) !== true
  })
  if (writes.length > 0) monitor.log.push(Object.freeze({ object, writes }))
  if (call !== 0) monitor.made.set(`${client} ${call}`, monitor.log.length)
}

export function lockNews({ monitor }: World, order: LockOrder, news: readonly Fed[]): void {
  const { client, call } = order
  if (order.type === 'lock' && call !== 0) {
    const object = order.operation[1].slice(updateOnReleaseLock('').length)
    monitor.ordered.set(`${client} ${call}`, object)
  }
  for (const each of news) {
    if (each.type === 'lockFreed') {
      for (const [object, { token }] of monitor.holders) {
        if (token === each.token) monitor.holders.delete(object)
      }
    } else if (each.type === 'lockAnswered' && each.token !== 0) {
      const object = monitor.ordered.get(`${each.client} ${each.call}`) ?? ''
      const { token } = each
      const since = monitor.log.length
      if (monitor.holders.has(object)) throw new Violation(`U1: ${object} has two holders`)
      if (token <= (monitor.tokens.get(object) ?? 0)) throw new Violation('U5: an old token')
      monitor.tokens.set(object, token)
      monitor.holders.set(object, Object.freeze({ client: each.client, token, since }))
    }
  }
}

export function afterStep(
  world: World,
  place: number,
  input: Fed,
  outputs: readonly UpdateOnReleaseOutput[],
): void {
  const node = nodeAt(world, place)
  for (const output of outputs) {
    const type = output.type === 'send' ? output.message[0] : output.type
    const serves = ['answer', 'grant', 'push', 'reply', 'snapshot', 'applied'].includes(type)
    if (serves && !node.mayServe) {
      throw new Violation(`no lease: ${place} put out ${type} for ${input.type}`)
    }
    if (output.type === 'send' && output.message[0] === 'reply') {
      checkAcknowledged(world, output.message[1], output.message[2])
    }
    if (output.type === 'answer') {
      if (place === master) checkAcknowledged(world, output.client, output.call)
      checkAnswer(world, node, output)
    }
    if (output.type === 'refuse' && !/(MASTER|NODE)_LOST/.test(output.code)) {
      const made = world.monitor.made.has(`${output.client} ${output.call}`)
      if (made) throw new Violation(`U2: what was right was refused: ${output.message}`)
    }
  }
}

function checkAnswer(
  world: World,
  { machine }: ModelNode,
  { client, call, answer }: Extract<UpdateOnReleaseOutput, { type: 'answer' }>,
): void {
  const { monitor } = world
  const [, instruction] = world.threads[client - 100]?.pending ?? []
  if (instruction === undefined) return
  if (machine.applied < 0) throw new Violation('U3: a node without a replica answered')
  switch (instruction[0]) {
    case 'acquire':
    case 'tryAcquire': {
      if (answer === 0) return
      const object = instruction[1]
      const holder = monitor.holders.get(object)
      if (holder?.client !== client || holder.token !== answer) {
        throw new Violation(`U1: ${client} was told that it holds ${object}, and does not`)
      }
      // It shows a state after an entry of the log (see `checkReplicas`): this, or a later one.
      if (machine.applied >= holder.since) return
      throw new Violation(`U2: ${client} holds ${object}, and reads what was before`)
    }
    case 'release':
    case 'init': {
      const made = monitor.made.get(`${client} ${call}`)
      if (made === undefined) throw new Violation('U1: a release was answered that was not right')
      if (machine.applied < made) throw new Violation('U3: a reply came before its entry')
      if (instruction[2] !== 'all') return
      for (const [place, each] of world.nodes) {
        const { applied } = each.machine
        if (place === world.removed || applied < 0 || applied >= made) continue
        throw new Violation(`U4: acknowledged by all, and ${place} shows what was before`)
      }
    }
  }
}

/** The master answers a release that is to be everywhere by then. */
function checkAcknowledged(world: World, client: number, call: number): void {
  const pending = world.threads[client - 100]?.pending
  if (pending?.[0] !== call || pending[1][2] !== 'all') return
  const made = world.monitor.made.get(`${client} ${call}`) ?? 0
  for (const place of world.views[nodeAt(world, master).views - 1]?.members ?? []) {
    if ((world.nodes.get(place)?.machine.applied ?? -1) >= made) continue
    throw new Violation(`U4: acknowledged by all, and ${place} has not applied it`)
  }
}

/** After every move. */
export function checkReplicas(world: World): void {
  const { monitor } = world
  for (const [place, { machine }] of world.nodes) {
    if (machine.applied < 0) continue
    if (machine.applied < (monitor.shown.get(place) ?? 0)) throw new Violation('U3: went back')
    monitor.shown.set(place, machine.applied)
    const expected = stateAfter(monitor, machine.applied)
    if (canonical(plainObjects(machine.objects)) === canonical(expected)) continue
    throw new Violation(`U3, U6: ${place} shows no state after an entry of the log`)
  }
  const believers = new Map<string, number>()
  for (const [index, thread] of world.threads.entries()) {
    const mayBelieve = thread.over === null && !thread.ended && serves(world, thread)
    if (thread.holds === null || !mayBelieve) continue
    const other = believers.get(thread.holds.object)
    if (other !== undefined) throw new Violation(`U1: threads ${other} and ${index} both hold it`)
    believers.set(thread.holds.object, index)
  }
}

function serves(world: World, { place }: ModelThread): boolean {
  return world.removed !== place && world.nodes.get(place)?.mayServe === true
}

/** Nothing is on its way: nobody is left waiting without reason, and all replicas are equal. */
export function checkAtRest(world: World): void {
  const { monitor } = world
  for (const [index, thread] of world.threads.entries()) {
    const waits = thread.pending?.[1][0] === 'wait' && world.removed !== master
    if (thread.pending === null || waits || !serves(world, thread)) continue
    throw new Violation(`U7: ${clientOf(index)} is left with ${canonical(thread.pending)}`)
  }
  const { machine, mayServe } = nodeAt(world, master)
  if (!mayServe) return
  if (world.lock.locks.size > 0) throw new Violation('U7: a lock is left')
  const { holders = [], asked = [], awaited = [], early = [] } = machine.master ?? {}
  for (const left of [holders, asked, awaited, early]) {
    if ([...left].length > 0) throw new Violation(`U7: the master is left with ${canonical(left)}`)
  }
  for (const place of world.views.at(-1)?.members ?? []) {
    const node = nodeAt(world, place)
    if (!node.mayServe) continue
    const { applied, gated, ahead, open, holds } = node.machine
    if (applied !== monitor.log.length) throw new Violation(`U6: ${place} is behind at the end`)
    for (const left of [gated, ahead, holds]) {
      if ([...left].length > 0) throw new Violation(`U7: ${place} is left with ${canonical(left)}`)
    }
    for (const calls of open.values()) {
      for (const { kind } of calls.values()) if (kind !== 'wait') throw new Violation('U7: a call')
    }
  }
}

type Plain = Map<string, Map<string, unknown>>

function plainObjects(objects: ModelNode['machine']['objects']): Plain {
  const plain: Plain = new Map()
  for (const [name, fields] of objects) {
    if (fields.size === 0) continue
    plain.set(name, new Map([...fields].map(([field, { value }]) => [field, value])))
  }
  return plain
}

/** The state after so many entries of the log. */
function stateAfter({ log }: Monitor, count: number): Plain {
  const plain: Plain = new Map()
  for (const { object, writes } of log.slice(0, count)) {
    const fields = plain.get(object) ?? new Map<string, unknown>()
    for (const write of writes) {
      if (write.length === 1) fields.delete(write[0])
      else fields.set(write[0], write[1])
    }
    if (fields.size > 0) plain.set(object, fields)
    else plain.delete(object)
  }
  return plain
}
