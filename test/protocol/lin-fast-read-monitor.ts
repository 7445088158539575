/**
 * What must hold of `LinFastRead` copies in every state: I1 to I5 of
 * docs/protocols/lin-fast-read.md. Updates are counted in digits of their own: each adds a power of
 * 8 to the field o.x, so that a value tells which updates it has, and one that was performed twice
 * is seen.
 */
import {
  type LinFastReadOutput,
  type LinFastReadState,
  linFastRead,
} from '../../lib/protocol/lin-fast-read.ts'
import { readField, verOf } from '../../lib/protocol/lin-fast-read-state.ts'
import type { FieldState, StrictAnswer, StrictOperation } from '../../lib/wire/messages.ts'
import { canonical, copyPlain, Violation } from './explore.ts'
import type { Scenario, Shelves, World } from './lin-fast-read-model.ts'

export interface Monitor {
  /** Values that some read or answer has shown, ascending: each has all that the one before has. */
  known: number[]
  /** Updates that were answered as not having taken place, or refused. */
  failed: number
  /** What was known when the call began, by place and call. */
  readonly floors: Map<string, number>
}

const digits = 8

export function initialMonitor(): Monitor {
  return { known: [0], failed: 0, floors: new Map() }
}

function newest(monitor: Monitor): number {
  return monitor.known.at(-1) ?? 0
}

function contains(value: number, part: number): boolean {
  return (value & part) === part
}

/** Somebody has seen this value: it must be one of a growing row. */
function see(monitor: Monitor, value: unknown, why: string): number {
  const seen = value === undefined ? 0 : value
  if (typeof seen !== 'number') throw new Violation(`${why}: no number: ${String(value)}`)
  for (let rest = seen; rest > 0; rest = Math.floor(rest / digits)) {
    if (rest % digits > 1) throw new Violation(`I3 ${why}: ${seen} has an update twice`)
  }
  if ((seen & monitor.failed) !== 0) {
    throw new Violation(`${why}: ${seen} has an update that was answered as not made`)
  }
  for (const other of monitor.known) {
    if (contains(other, seen) || contains(seen, other)) continue
    throw new Violation(`I3 ${why}: ${seen} and ${other} are of different histories`)
  }
  if (!monitor.known.includes(seen)) {
    monitor.known = [...monitor.known, seen].sort((one, other) => one - other)
  }
  return seen
}

/** A read that begins and ends now. */
function seeNow(monitor: Monitor, value: unknown, why: string): void {
  const before = newest(monitor)
  const seen = see(monitor, value, why)
  if (!contains(seen, before)) throw new Violation(`I2 ${why}: ${seen} was read after ${before}`)
}

export function called(
  monitor: Monitor,
  place: number,
  call: number,
  operation: StrictOperation,
): void {
  if (bitOf(operation) !== null || operation[0] === 'get' || operation[0] === 'wait') {
    monitor.floors.set(`${place}/${call}`, newest(monitor))
  }
}

/** What an update adds. A `compareAndSet` wants to add the difference. */
function bitOf(operation: StrictOperation): number | null {
  if (operation[0] === 'add') return operation[3]
  if (operation[0] !== 'compareAndSet') return null
  return Number(operation[4]) - Number(operation[3] ?? 0)
}

export function answered(
  monitor: Monitor,
  place: number,
  call: number,
  operation: StrictOperation,
  answer: StrictAnswer | string,
): void {
  const floor = monitor.floors.get(`${place}/${call}`)
  if (floor === undefined) return
  monitor.floors.delete(`${place}/${call}`)
  const why = `answer of ${operation[0]} at ${place}`
  if (!Array.isArray(answer)) {
    if (typeof answer === 'string') return
    throw new Violation(`${why}: ${String(answer)}`)
  }
  const bit = bitOf(operation)
  const isRead = bit === null
  const value = see(monitor, isRead ? answer[1] : answer[2], why)
  if (!contains(value, floor)) throw new Violation(`I2 ${why}: ${value}, called after ${floor}`)
  if (isRead) return
  if (answer[0] === false) {
    monitor.failed |= bit
    if (contains(newest(monitor), bit)) throw new Violation(`${why}: it took place all the same`)
  } else if (!contains(value, bit)) throw new Violation(`${why}: ${value} is without it`)
}

/** What one step must keep: I4 and I5. */
export function afterStep(
  world: World,
  shelves: Shelves,
  beforeNumber: number,
  afterNumber: number,
  outputs: readonly LinFastReadOutput[],
  { anyValues, onlyValues }: Scenario,
): void {
  if (onlyValues) return
  const before = shelves.machines.at(beforeNumber)
  const after = shelves.machines.at(afterNumber)
  const last = new Map<string, number>()
  for (const output of outputs) {
    if (output.type === 'send' && output.message[0] === 'invalidate') {
      const [, , name, ver] = output.message
      const key = `${output.to} ${name}`
      const expected = last.get(key) ?? verOf(before.objects.get(name)?.stamp ?? 0)
      if (ver !== expected + 1) throw new Violation(`I5: update ${ver} came after ${expected}`)
      last.set(key, ver)
    }
    const version = anyValues ? null : versionAnswered(after, output)
    if (version !== null) checkInstalled(world, shelves, after, version)
  }
}

/** The version that a home says an update has made. */
function versionAnswered(home: LinFastReadState, output: LinFastReadOutput): number | null {
  if (home.objects.get('o')?.home !== home.place) return null
  let answer: unknown
  if (output.type === 'send' && output.message[0] === 'reply') answer = output.message[2]
  else if (output.type === 'answer') answer = output.answer
  return Array.isArray(answer) && answer[0] === true ? Number(answer[1]) : null
}

function checkInstalled(
  world: World,
  shelves: Shelves,
  home: LinFastReadState,
  version: number,
): void {
  for (const place of home.members) {
    const node = world.nodes[place]
    if (node === undefined || place === home.place || node.status !== 'live') continue
    const { objects } = shelves.machines.at(node.machine)
    const installed = objects.get('o')?.fields.get('x')?.version ?? 0
    if (installed < version) throw new Violation(`I4: answered before ${place} had it`)
  }
}

/** Reads the field wherever it would be answered: I1, I2, I3. */
export function checkCopies(
  world: World,
  shelves: Shelves,
  { anyValues, onlyValues }: Scenario,
): void {
  let one: FieldState | null = null
  for (const { place, status, machine: number } of world.nodes) {
    if (status === 'dead') continue
    const machine = shelves.machines.at(number)
    const shown = status === 'live' ? readField(machine, 'o', 'x') : readAsZombie(machine)
    if (shown === null) continue
    if (!anyValues) seeNow(world.monitor, shown[1], `read at ${place}`)
    if (one !== null && one[0] !== shown[0] && !onlyValues) {
      throw new Violation(`I1: versions ${one[0]} and ${shown[0]} are valid at once`)
    }
    one = shown
  }
}

/** Its lease is over: it must not answer at all. */
function readAsZombie(machine: LinFastReadState): FieldState | null {
  const operation = ['get', 'o', 'x', -1] as const
  const rest = { client: 9, call: 9, owner: 0, thread: 0, blocking: false, mayServe: false }
  const outputs = linFastRead.step(copyPlain(machine), { type: 'request', ...rest, operation })
  for (const output of outputs) {
    if (output.type === 'answer') return output.answer as FieldState
  }
  return null
}

/** All objects, and what a later `init` would find. */
function contentOf({ objects }: LinFastReadState): unknown {
  const content = new Map<string, unknown>()
  for (const [name, { fields, initialised }] of objects) {
    const values = new Map<string, unknown>()
    for (const [field, { version, value }] of fields) values.set(field, [version, value])
    content.set(name, [values, initialised])
  }
  return content
}

/** Nothing is under way: all is answered, and all copies are the same. */
export function checkRest(world: World, shelves: Shelves, isExplained: Scenario['history']): void {
  let content: string | null = null
  const live = world.nodes.filter(({ status }) => status === 'live')
  for (const { place, open, machine: number } of live) {
    const machine = shelves.machines.at(number)
    const fail = (what: string): never => {
      throw new Violation(`at rest: ${place} ${what}`)
    }
    const shown = readField(machine, 'o', 'x')
    // Its `wait` is for a value, and whoever was to write one is gone.
    const mayWait = shown?.[0] === 0 && machine.updates.size === 0 && machine.parkedReads > 0
    if (mayWait) continue
    if (open.length > 0) fail(`waits for ${open.join()}`)
    if (machine.held.length > 0) fail('holds messages')
    if (!machine.isComplete) fail('is not complete')
    if (machine.waiting.size + machine.updates.size + machine.reads.size > 0) fail('keeps calls')
    for (const [name, object] of machine.objects) {
      if (object.pending.size + object.unsettled.size > 0) fail(`has not settled ${name}`)
      if (object.isOrphan || object.isTakenOver) fail(`does not know whether ${name} is whole`)
    }
    if (shown === null) fail('answers no read')
    const copy = canonical(contentOf(machine))
    if (content !== null && content !== copy) fail(`has ${copy}, another ${content}`)
    content = copy
  }
  if (isExplained?.(world.history) === false) {
    throw new Violation(`not linearizable: ${JSON.stringify(world.history)}`)
  }
}
