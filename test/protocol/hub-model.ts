/**
 * A hub with its two machines, and clients that run scripts, as a model to explore. Channels
 * between a client and the hub are FIFO in both directions and may hold messages for as long as
 * they like. Clients crash, forget calls, and have their routine ended while they run, at any
 * point.
 *
 * Beside the machines stands a monitor, which knows the promises (S1.., L1.. of docs/protocols) and
 * nothing of how the machines keep them.
 */
import type { LockInput, LockOutput, LockState } from '../../lib/protocol/lock.ts'
import { lock } from '../../lib/protocol/lock.ts'
import type { StrictInput, StrictOutput, StrictState } from '../../lib/protocol/strict.ts'
import { strict } from '../../lib/protocol/strict.ts'
import type { EncodedValue, LockOperation, StrictOperation } from '../../lib/wire/messages.ts'
import type { Model, Move } from './explore.ts'
import { Violation } from './explore.ts'
import type { Monitor } from './hub-monitor.ts'
import {
  afterLockStep,
  afterStrictStep,
  checkAtRest,
  initialMonitor,
  isLockOperation,
} from './hub-monitor.ts'

/** Of the two machines that are modelled. */
type Operation = StrictOperation | LockOperation

export type Instruction =
  | readonly ['acquire' | 'tryAcquire' | 'release', lock: string]
  /** As it stands; if it is a write, with the tokens that the client holds. */
  | readonly ['ask', operation: StrictOperation]
  /** Writes what the client has read of the field, plus one. */
  | readonly ['increment', field: string]
  /** Waits for a version of the field other than the one that the client saw last. */
  | readonly ['wait', field: string]

export interface Scenario {
  readonly scripts: readonly (readonly Instruction[])[]
  readonly crashes?: number
  readonly forgets?: number
  readonly ends?: number
  /**
   * Whether histories are kept and judged; states that differ in them alone are then told apart.
   */
  readonly history?: (events: readonly HistoryEvent[]) => boolean
}

/** The machines, or what a test puts in their place to see whether it is found out. */
export interface Steps {
  strict(state: StrictState, input: StrictInput): readonly StrictOutput[]
  lock(state: LockState, input: LockInput): readonly LockOutput[]
}

export const faithful: Steps = { strict: strict.step, lock: lock.step }

export type HistoryEvent =
  | readonly ['call', client: number, operation: Operation]
  | readonly ['return', client: number, answer: unknown]

export interface ModelClient {
  alive: boolean
  /** The hub knows that it is gone. */
  lost: boolean
  /** The hub has ended its routine; it does not know yet. */
  ended: boolean
  at: number
  calls: number
  pending: Operation | null
  /** It gave up: all it still does is to release what it holds. */
  unwinding: boolean
  tokens: Map<string, number>
  seen: Map<string, readonly [version: number, value?: EncodedValue]>
  up: UpMessage[]
  down: DownMessage[]
}

type UpMessage = readonly ['ask', call: number, Operation] | readonly ['forget', call: number]
type DownMessage = readonly [call: number, answer: unknown, code: string | null]

export interface HubState {
  readonly strict: StrictState
  readonly lock: LockState
  readonly clients: ModelClient[]
  readonly monitor: Monitor
  readonly history: HistoryEvent[]
  crashes: number
  forgets: number
  ends: number
}

export function hubModel(scenario: Scenario, steps: Steps = faithful): Model<HubState> {
  return {
    initial: () => initial(scenario),
    moves: (state) => moves(scenario, state),
    apply: (state, move) => {
      apply(scenario, steps, state, move)
      checkBeliefs(state)
    },
    atRest: (state) => {
      checkAtRest(state.monitor, state.clients)
      if (scenario.history?.(state.history) === false) {
        throw new Violation(`S1: not linearizable: ${JSON.stringify(state.history)}`)
      }
    },
  }
}

function initial(scenario: Scenario): HubState {
  const client = (): ModelClient => ({
    alive: true,
    lost: false,
    ended: false,
    at: 0,
    calls: 0,
    pending: null,
    unwinding: false,
    tokens: new Map(),
    seen: new Map(),
    up: [],
    down: [],
  })
  return {
    strict: strict.initial(),
    lock: lock.initial(),
    clients: scenario.scripts.map(client),
    monitor: initialMonitor(),
    history: [],
    crashes: scenario.crashes ?? 0,
    forgets: scenario.forgets ?? 0,
    ends: scenario.ends ?? 0,
  }
}

function moves(scenario: Scenario, state: HubState): readonly Move[] {
  const found: Move[] = []
  for (const [client, each] of state.clients.entries()) {
    const add = (kind: string, fault = false): unknown => found.push({ kind, client, fault })
    if (each.up.length > 0 && !each.lost) add('take')
    if (!each.alive) {
      if (!each.lost) add('lose')
      continue
    }
    if (each.down.length > 0) add('receive')
    if (each.pending === null && hasMore(scenario, each, client)) add('send')
    const waits = each.pending?.[0] === 'acquire' || each.pending?.[0] === 'wait'
    if (state.forgets > 0 && waits) add('forget', true)
    if (state.crashes > 0) add('crash', true)
    if (state.ends > 0 && !each.ended) add('end', true)
  }
  return found
}

function hasMore(scenario: Scenario, each: ModelClient, client: number): boolean {
  if (each.unwinding) return each.tokens.size > 0
  return each.at < (scenario.scripts[client]?.length ?? 0)
}

function apply(scenario: Scenario, steps: Steps, state: HubState, move: Move): void {
  const client = move.client
  const each = clientAt(state, client)
  switch (move.kind) {
    case 'send':
      send(scenario, state, client)
      return
    case 'receive':
      receive(scenario, state, client)
      return
    case 'take':
      take(steps, state, client)
      return
    case 'forget':
      state.forgets -= 1
      each.pending = null
      each.unwinding = true
      each.up.push(Object.freeze(['forget', each.calls] as const))
      return
    case 'crash':
      state.crashes -= 1
      each.alive = false
      each.tokens.clear()
      each.down.length = 0
      return
    case 'lose':
      // What it sent before it died and was not taken yet is dropped: see lock.md, "The driver".
      each.lost = true
      each.up.length = 0
      stepLock(steps, state, { type: 'clientLost', client })
      stepStrict(steps, state, { type: 'clientLost', client })
      return
    case 'end':
      state.ends -= 1
      each.ended = true
      stepLock(steps, state, { type: 'ownerEnded', client, owner: ownerOf(client) })
      return
  }
}

function send(scenario: Scenario, state: HubState, client: number): void {
  const each = clientAt(state, client)
  if (each.unwinding) {
    for (const name of [...each.tokens.keys()].slice(0, 1)) sendRelease(each, name)
    return
  }
  const instruction = scenario.scripts[client]?.[each.at]
  if (instruction === undefined) return
  each.at += 1
  if (instruction[0] === 'release') {
    sendRelease(each, instruction[1])
    return
  }
  const operation = operationOf(instruction, each)
  each.calls += 1
  each.pending = operation
  each.up.push(Object.freeze(['ask', each.calls, operation] as const))
  if (scenario.history !== undefined) {
    state.history.push(Object.freeze(['call', client, operation] as const))
  }
}

/** A release is told, not asked: nobody waits for its answer. */
function sendRelease(each: ModelClient, name: string): void {
  const operation = Object.freeze(['release', name, each.tokens.get(name) ?? -1] as const)
  each.tokens.delete(name)
  each.up.push(Object.freeze(['ask', 0, operation] as const))
}

function operationOf(instruction: Instruction, each: ModelClient): Operation {
  const [kind, what] = instruction
  if (kind === 'ask') {
    if (!isWrite(what)) return what
    return Object.freeze([...what.slice(0, -1), fencesOf(each)]) as unknown as StrictOperation
  }
  if (kind === 'wait') return Object.freeze(['wait', 'o', what, each.seen.get(what)?.[0] ?? 0])
  if (kind === 'increment') {
    const value = Number(each.seen.get(what)?.[1] ?? 0) + 1
    return Object.freeze(['set', 'o', what, value, fencesOf(each)])
  }
  return Object.freeze([kind, what]) as LockOperation
}

function isWrite(operation: StrictOperation): boolean {
  return !['init', 'get', 'keys', 'entries', 'wait'].includes(operation[0])
}

function fencesOf(each: ModelClient): readonly (readonly [string, number])[] | null {
  if (each.tokens.size === 0) return null
  return Object.freeze([...each.tokens].map((pair) => Object.freeze(pair)))
}

function receive(scenario: Scenario, state: HubState, client: number): void {
  const each = clientAt(state, client)
  const message = each.down.shift()
  if (message === undefined) return
  const [call, answer, code] = message
  const operation = each.pending
  // An answer that crossed its `forget`; the hub releases what it may have granted.
  if (operation === null || call !== each.calls) return
  each.pending = null
  if (scenario.history !== undefined) {
    state.history.push(Object.freeze(['return', client, code ?? answer] as const))
  }
  if (isLockOperation(operation)) {
    if (code === null && answer !== 0) each.tokens.set(operation[1], answer as number)
    else each.unwinding = true
  } else if (code !== null) {
    each.unwinding = true
  } else if (operation[0] === 'get' || operation[0] === 'wait') {
    const seen = answer as readonly [number, EncodedValue?]
    const field = operation[2]
    each.seen.set(field, seen.length === 1 ? (each.seen.get(field) ?? seen) : seen)
  }
}

function take(steps: Steps, state: HubState, client: number): void {
  const each = clientAt(state, client)
  const message = each.up.shift()
  if (message === undefined) return
  if (message[0] === 'forget') {
    const call = message[1]
    stepStrict(steps, state, { type: 'forget', client, call })
    stepLock(steps, state, { type: 'forget', client, call })
    return
  }
  const [, call, operation] = message
  if (!isLockOperation(operation)) {
    stepStrict(steps, state, { type: 'request', client, call, operation })
  } else if (each.ended && operation[0] !== 'release') {
    // A routine that has ended gets no lock: see lock.md, "The driver".
    each.down.push(Object.freeze([call, null, 'ERR_GOAWAY_CANCELLED'] as const))
  } else {
    const owner = ownerOf(client)
    const rest = { client, call, owner, thread: client, blocking: true, operation }
    stepLock(steps, state, { type: 'request', ...rest })
  }
}

function stepStrict(steps: Steps, state: HubState, input: StrictInput): void {
  const before = state.strict.objects.get('o')?.version ?? 0
  const outputs = steps.strict(state.strict, input)
  const written = (state.strict.objects.get('o')?.version ?? 0) !== before
  afterStrictStep(state.monitor, input, outputs, written)
  for (const output of outputs) deliver(state, output)
}

/** As the driver does it: the stores hear of a lock before its holder does. */
function stepLock(steps: Steps, state: HubState, input: LockInput): void {
  const outputs = steps.lock(state.lock, input)
  afterLockStep(state.monitor, input, outputs)
  for (const output of outputs) {
    const { type } = output
    if (type === 'granted' || type === 'freed') {
      const told = type === 'granted' ? 'lockGranted' : 'lockFreed'
      stepStrict(steps, state, { type: told, lock: output.lock, token: output.token })
    } else if (type === 'forgotten') {
      if (output.forgotten || output.token === 0) continue
      const { client } = output
      const operation = ['release', output.lock, output.token] as const
      const rest = { client, call: 0, owner: ownerOf(client), thread: client, blocking: false }
      stepLock(steps, state, { type: 'request', ...rest, operation })
    } else {
      deliver(state, output)
    }
  }
}

function deliver(state: HubState, output: StrictOutput | LockOutput): void {
  if (output.type !== 'answer' && output.type !== 'refuse') return
  const each = clientAt(state, output.client)
  if (!each.alive) return
  const answer = output.type === 'answer' ? output.answer : null
  const code = output.type === 'refuse' ? output.code : null
  each.down.push(Object.freeze([output.call, answer, code] as const))
}

/** L1 as the clients see it: from the answer that says so until they let go. */
function checkBeliefs(state: HubState): void {
  const holders = new Map<string, number>()
  for (const [client, each] of state.clients.entries()) {
    // A routine that was ended may still believe; this is what fences are for.
    if (!each.alive || each.ended) continue
    for (const name of each.tokens.keys()) {
      const other = holders.get(name)
      if (other !== undefined) throw new Violation(`L1: ${other} and ${client} both hold ${name}`)
      holders.set(name, client)
    }
  }
}

export function ownerOf(client: number): number {
  return client + 10
}

function clientAt(state: HubState, client: number): ModelClient {
  const each = state.clients[client]
  if (each === undefined) throw new Error(`client ${client} does not exist`)
  return each
}
