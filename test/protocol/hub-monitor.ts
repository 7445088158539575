/**
 * The promises of docs/protocols/strict.md and lock.md, checked at every step of the hub from
 * inputs and outputs alone. The monitor keeps its own books, in the plainest way.
 *
 * Linearizability (S1) is checked against the order of the master's steps: each answer must be what
 * the reference gives when it performs the requests in that order, each once, at the step that took
 * it. An answer leaves no earlier than its request was taken, so that order respects real time, and
 * is a witness. To demand this one witness is more than linearizability asks, and so it cannot pass
 * a history that is not linearizable; that it is also what the machine promises is said in
 * strict.md.
 */
import type { LockInput, LockOutput } from '../../lib/protocol/lock.ts'
import type { StrictInput, StrictOutput } from '../../lib/protocol/strict.ts'
import type { LockOperation, Operation, StrictOperation } from '../../lib/wire/messages.ts'
import { canonical, Violation } from './explore.ts'
import type { ModelClient } from './hub-model.ts'
import type { Expected, Reference } from './strict-reference.ts'
import { ask, emptyReference, forgetWaits } from './strict-reference.ts'

interface Place {
  readonly client: number
  readonly call: number
}

export interface Monitor {
  readonly reference: Reference
  lastToken: number
  /** The token of each lock's holder. */
  readonly tokens: Map<string, number>
  readonly holders: Map<string, number>
  /** Who waits for each lock, in the order of arrival. */
  readonly queues: Map<string, Place[]>
  readonly lost: Set<number>
}

export function initialMonitor(): Monitor {
  return {
    reference: emptyReference(),
    lastToken: 0,
    tokens: new Map(),
    holders: new Map(),
    queues: new Map(),
    lost: new Set(),
  }
}

export function isLockOperation(operation: Operation): operation is LockOperation {
  return ['acquire', 'tryAcquire', 'release'].includes(operation[0])
}

export function afterStrictStep(
  monitor: Monitor,
  input: StrictInput,
  outputs: readonly StrictOutput[],
  written: boolean,
): void {
  let expected: Expected[] = []
  if (input.type === 'request') {
    if (written && isStale(monitor, input.operation)) {
      throw new Violation(`S3: a stale write took effect: ${canonical(input.operation)}`)
    }
    expected = ask(monitor.reference, input, monitor.tokens)
  } else if (input.type === 'forget') {
    forgetWaits(monitor.reference, input.client, input.call)
  } else if (input.type === 'clientLost') {
    forgetWaits(monitor.reference, input.client, null)
  }
  const actual = outputs.map((output): Expected => {
    const { client, call } = output
    if (output.type === 'answer') return [client, call, output.answer]
    return [client, call, output.type === 'refuse' ? output.code : 'parked']
  })
  if (canonical(actual) === canonical(expected)) return
  const words = `${canonical(input)}: ${canonical(actual)}, not ${canonical(expected)}`
  throw new Violation(`S1, S4, S5: the master answered ${words}`)
}

function isStale(monitor: Monitor, operation: StrictOperation): boolean {
  const last = operation.at(-1)
  if (operation[0] === 'init' || !Array.isArray(last)) return false
  const fences = last as [string, number][]
  return fences.some(([name, token]) => monitor.tokens.get(name) !== token)
}

export function afterLockStep(
  monitor: Monitor,
  input: LockInput,
  outputs: readonly LockOutput[],
): void {
  const call = input.type === 'request' ? input.call : 0
  let open = call !== 0
  if (input.type === 'clientLost') leaveQueues(monitor, input.client)
  const granted = new Map<number, string>()
  for (const output of outputs) {
    if (output.type === 'freed') {
      if (monitor.tokens.get(output.lock) !== output.token) throw new Violation('L1: freed twice')
      monitor.tokens.delete(output.lock)
      monitor.holders.delete(output.lock)
    } else if (output.type === 'granted') {
      if (output.token <= monitor.lastToken) throw new Violation('L2: a token came again')
      if (monitor.tokens.has(output.lock)) throw new Violation(`L1: ${output.lock} granted twice`)
      monitor.lastToken = output.token
      monitor.tokens.set(output.lock, output.token)
      granted.set(output.token, output.lock)
    } else if (output.type === 'forgotten') {
      if (output.forgotten) leaveQueues(monitor, output.client, output.call)
    } else if (input.type === 'request' && input.client === output.client && call === output.call) {
      if (!open) throw new Violation(`L9: call ${call} of ${output.client} was answered twice`)
      open = false
      checkOwnOutcome(monitor, input, output, granted)
    } else {
      checkLaterOutcome(monitor, output, granted)
    }
  }
  if (open) throw new Violation(`L9: call ${call} was not answered`)
  if (granted.size > 0) throw new Violation('L9: a grant was not answered')
  if (input.type === 'clientLost') monitor.lost.add(input.client)
  checkHolders(monitor)
}

type Outcome = Extract<LockOutput, { type: 'answer' | 'refuse' | 'parked' }>

function checkOwnOutcome(
  monitor: Monitor,
  input: Extract<LockInput, { type: 'request' }>,
  output: Outcome,
  granted: Map<number, string>,
): void {
  const { client, call } = input
  const [kind, name] = input.operation
  const queue = monitor.queues.get(name) ?? []
  if (output.type === 'answer' && kind !== 'release' && output.answer !== 0) {
    if (queue.length > 0) throw new Violation(`L3: ${client} went before those who wait`)
    if (granted.get(output.answer ?? 0) !== name) throw new Violation('L6: answered, not granted')
    granted.delete(output.answer ?? 0)
    monitor.holders.set(name, client)
    return
  }
  const stuck = isStuck(monitor, client, name)
  if (output.type === 'parked') {
    if (stuck) throw new Violation(`L8: ${client} was let into a deadlock at ${name}`)
    monitor.queues.set(name, [...queue, { client, call }])
  } else if (output.type === 'refuse' && output.code === 'ERR_GOAWAY_DEADLOCK') {
    if (!stuck) throw new Violation(`L8: ${client} was refused at ${name}, where it could wait`)
  }
}

function checkLaterOutcome(monitor: Monitor, output: Outcome, granted: Map<number, string>): void {
  const { client, call } = output
  if (output.type === 'answer') {
    const name = granted.get(output.answer ?? 0)
    if (name === undefined) throw new Violation(`L6: ${client} was answered, not granted`)
    granted.delete(output.answer ?? 0)
    const first = monitor.queues.get(name)?.[0]
    if (first?.client !== client || first.call !== call) {
      throw new Violation(`L3: ${name} went to ${client}, who was not the first in the queue`)
    }
    monitor.holders.set(name, client)
  } else if (!isQueued(monitor, client, call)) {
    throw new Violation(`L9: call ${call} of ${client} was refused, which did not wait`)
  }
  leaveQueues(monitor, client, call)
}

/** L5, and no lost wake-up: whoever waits, waits for somebody who is there. */
function checkHolders(monitor: Monitor): void {
  for (const [name, client] of monitor.holders) {
    if (monitor.lost.has(client)) throw new Violation(`L5: ${name} belongs to the lost ${client}`)
  }
  for (const [name, queue] of monitor.queues) {
    if (queue.length === 0 || monitor.holders.has(name)) continue
    throw new Violation(`L3: ${name} is free, and ${queue[0]?.client} waits for it`)
  }
}

/**
 * Whether the client, were it to wait for the lock, could never get it. Not by a search for cycles:
 * whoever does not wait will let go; then so will those who wait for such only, and so on.
 */
function isStuck(monitor: Monitor, client: number, name: string): boolean {
  const queues = new Map(monitor.queues)
  queues.set(name, [...(queues.get(name) ?? []), { client, call: 0 }])
  const needs = new Map<number, number[]>()
  for (const [each, queue] of queues) {
    const before: number[] = []
    const holder = monitor.holders.get(each)
    if (holder !== undefined) before.push(holder)
    for (const waiter of queue) {
      needs.set(waiter.client, [...before])
      before.push(waiter.client)
    }
  }
  for (let found = true; found; ) {
    found = false
    for (const [waiter, others] of needs) {
      if (others.some((other) => needs.has(other))) continue
      needs.delete(waiter)
      found = true
    }
  }
  return needs.has(client)
}

function isQueued(monitor: Monitor, client: number, call: number): boolean {
  return [...monitor.queues.values()].some((queue) =>
    queue.some((each) => each.client === client && each.call === call),
  )
}

function leaveQueues(monitor: Monitor, client: number, call?: number): void {
  for (const [name, queue] of monitor.queues) {
    const rest = queue.filter(
      (each) => each.client !== client || (call !== undefined && each.call !== call),
    )
    if (rest.length > 0) monitor.queues.set(name, rest)
    else monitor.queues.delete(name)
  }
}

/** Nothing is on its way: who still waits must do so with reason. */
export function checkAtRest(monitor: Monitor, clients: readonly ModelClient[]): void {
  for (const [client, each] of clients.entries()) {
    if (!each.alive || each.pending === null) continue
    const waits = monitor.reference.waits.some((wait) => wait.client === client)
    const isWait = each.pending[0] === 'wait' && waits
    if (!isWait) throw new Violation(`L9: ${client} is left with ${canonical(each.pending)}`)
  }
}
