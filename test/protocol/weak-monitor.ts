/**
 * The promises of docs/protocols/weak.md, W1 to W6, checked at every step. The monitor keeps the
 * books of all writes by itself. What a replica has is told by how many updates of each place it
 * counts as applied; what it shows then has to be what the reference makes of this set.
 */
import type { WeakOperation } from '../../lib/wire/weak-messages.ts'
import { Violation } from './explore.ts'
import type { WeakScenario, WeakWorld } from './weak-model.ts'
import { nodeAt } from './weak-model.ts'

/** How many updates of each place. */
type Vector = readonly number[]

interface Origin {
  readonly lamport: number
  readonly place: number
  /** `null`: absent. */
  readonly value: unknown
}

interface Write {
  readonly kind: 'ground' | 'add'
  readonly field: string
  /** What it is, or what it adds to. */
  readonly origin: Origin
  readonly delta: number
  /** What its node had when it made it. */
  readonly seen: Vector
}

interface Pending {
  readonly operation: WeakOperation
  /** At the time of the request: how many writes it had made, and what everybody had. */
  readonly made: number
  readonly had: readonly Vector[]
}

export interface WeakMonitor {
  /** By place, in the order in which they were made. */
  readonly writes: (readonly Write[])[]
  readonly pending: (Pending | null)[]
  readonly had: Vector[]
  /** How many of a place's writes it was told to be everywhere. */
  readonly synced: number[]
}

export function initialMonitor(places: number): WeakMonitor {
  const zeros = Object.freeze(new Array<number>(places).fill(0))
  return {
    writes: zeros.map(() => Object.freeze([])),
    pending: zeros.map(() => null),
    had: zeros.map(() => zeros),
    synced: [...zeros],
  }
}

function vectorOf(world: WeakWorld, place: number): Vector {
  const { state } = nodeAt(world, place)
  return Object.freeze(
    world.nodes.map((_, each) => (each === place ? state.made : (state.applied.get(each) ?? 0))),
  )
}

const bare: Origin = Object.freeze({ lamport: 0, place: 0, value: null })

function later(one: Origin, other: Origin): Origin {
  if (one.lamport !== other.lamport) return one.lamport > other.lamport ? one : other
  if (one.lamport > 0) return one.place > other.place ? one : other
  if (one.value === null || other.value === null) return one.value === null ? other : one
  return one.place < other.place ? one : other
}

interface Shown {
  readonly origin: Origin
  readonly value: unknown
}

/** What a field shows, of this set of writes: the reference. */
function show(monitor: WeakMonitor, vector: Vector, field: string): Shown {
  const visible = monitor.writes.flatMap((writes, place) => writes.slice(0, vector[place]))
  const ofField = visible.filter((write) => write.field === field)
  const origin = ofField.reduce((best, write) => later(best, write.origin), bare)
  const added = ofField.filter(
    ({ kind, origin: { lamport, place } }) =>
      kind === 'add' && lamport === origin.lamport && (lamport === 0 || place === origin.place),
  )
  if (added.length === 0) return { origin, value: origin.value }
  const first = origin.value === null ? 0 : origin.value
  if (typeof first !== 'number') return { origin, value: first }
  return { origin, value: added.reduce((sum, { delta }) => sum + delta, first) }
}

export function beforeRequest(world: WeakWorld, place: number, operation: WeakOperation): void {
  const had = world.nodes.map((_, each) => vectorOf(world, each))
  const made = nodeAt(world, place).state.made
  world.monitor.pending[place] = Object.freeze({ operation, made, had })
}

/** For a `get`, what it answered. */
export function afterAnswer(
  world: WeakWorld,
  place: number,
  answer: unknown,
): { read: unknown } | undefined {
  const { monitor } = world
  const pending = monitor.pending[place]
  if (pending === null || pending === undefined) throw new Error('nothing was asked')
  monitor.pending[place] = null
  const { operation } = pending
  recordWrites(world, place, operation)
  if (operation[0] === 'sync' || operation[0] === 'fence') {
    monitor.synced[place] = Math.max(monitor.synced[place] ?? 0, pending.made)
    if (operation[0] === 'fence') checkFence(world, place, pending)
    return undefined
  }
  if (operation[0] === 'add') {
    const [, , sum] = answer as readonly [boolean, number, unknown]
    const { value } = show(monitor, vectorOf(world, place), operation[2])
    if (sum !== value) throw new Violation(`W5: add answered ${sum} for ${value}`)
  }
  if (operation[0] !== 'get') return undefined
  const [, read] = answer as readonly [number, unknown]
  const { value } = show(monitor, vectorOf(world, place), operation[2])
  if ((read ?? null) !== value) throw new Violation(`W1: ${place} read ${read} for ${value}`)
  return { read }
}

/** An answered write is there at its node, at once. */
function recordWrites(world: WeakWorld, place: number, operation: WeakOperation): void {
  const { state } = nodeAt(world, place)
  const { writes } = world.monitor
  const own = writes[place] as readonly Write[]
  if (state.made === own.length) return
  if (state.made !== own.length + 1) throw new Violation('W1: more than one update for a write')
  const seen = vectorOf(world, place)
  const stamp = { lamport: state.lamport, place }
  const push = (kind: Write['kind'], field: string, origin: Origin, delta = 0): void => {
    const write = Object.freeze({ kind, field, origin: Object.freeze(origin), delta, seen })
    writes[place] = Object.freeze([...own, write])
  }
  switch (operation[0]) {
    case 'set':
      push('ground', operation[2], { ...stamp, value: operation[3] })
      return
    case 'delete':
      push('ground', operation[2], { ...stamp, value: null })
      return
    case 'add': {
      const { origin } = show(world.monitor, seen, operation[2])
      push('add', operation[2], origin, operation[3])
      return
    }
    case 'init': {
      const [first] = operation[2]
      if (first === undefined || operation[2].length !== 1) throw new Error('one field, please')
      push('ground', first[0], { lamport: 0, place, value: first[1] })
    }
  }
}

function checkFence(world: WeakWorld, place: number, { had }: Pending): void {
  const now = vectorOf(world, place)
  for (const [other, node] of world.nodes.entries()) {
    if (!node.alive) continue
    for (const [source, count] of (had[other] as Vector).entries()) {
      if ((now[source] ?? 0) >= count) continue
      throw new Violation(`W4: after its fence ${place} lacks update ${count} of ${source}`)
    }
  }
}

export function afterStep(world: WeakWorld, place: number): void {
  const { monitor } = world
  const node = nodeAt(world, place)
  if (monitor.pending[place] !== null && node.state.made > (monitor.writes[place]?.length ?? 0)) {
    throw new Violation('W1: a write took place and was not answered')
  }
  const before = monitor.had[place] as Vector
  const now = vectorOf(world, place)
  monitor.had[place] = now
  if (now.some((count, each) => count < (before[each] ?? 0))) {
    throw new Violation(`W2: ${place} lost what it had: ${before} and then ${now}`)
  }
  if (node.state.isReady) checkShown(world, place, now)
  checkSynced(world)
}

/** W2, W3, W5 and W6: of this set of writes, what is shown. */
function checkShown(world: WeakWorld, place: number, vector: Vector): void {
  const { monitor } = world
  const { state } = nodeAt(world, place)
  if (state.order === 'causal') checkCauses(monitor, place, vector)
  const fields = new Set(monitor.writes.flat().map(({ field }) => field))
  for (const field of fields) {
    const { value } = show(monitor, vector, field)
    const cell = state.objects.get('o')?.fields.get(field)
    const shown = cell === undefined || cell.version === 0 ? null : cell.shown
    if (shown === value) continue
    throw new Violation(`W3: ${place} with ${vector} shows ${field}=${shown} for ${value}`)
  }
}

function checkCauses(monitor: WeakMonitor, place: number, vector: Vector): void {
  for (const [source, writes] of monitor.writes.entries()) {
    for (const { seen } of writes.slice(0, vector[source])) {
      if (seen.every((count, each) => each === source || count <= (vector[each] ?? 0))) continue
      throw new Violation(`W6: ${place} has ${vector}, and a write of ${source} after ${seen}`)
    }
  }
}

/** W4, for whoever serves now, and for ever. */
function checkSynced(world: WeakWorld): void {
  for (const [place, count] of world.monitor.synced.entries()) {
    if (count === 0) continue
    for (const [other, node] of world.nodes.entries()) {
      if (!node.alive || !node.state.isReady || other === place) continue
      if ((node.state.applied.get(place) ?? 0) >= count) continue
      throw new Violation(`W4: ${other} lacks update ${count} of ${place}, which synced it`)
    }
  }
}

/** Who is left has the same, shows the same, and keeps nothing that nobody needs. */
export function checkAtRest(world: WeakWorld, scenario: WeakScenario): void {
  const members = world.views[world.views.length - 1]?.members ?? []
  const first = vectorOf(world, 0)
  for (const place of members) {
    const node = nodeAt(world, place)
    const { state } = node
    if (node.isWaiting || node.at < (scenario.scripts[place]?.length ?? 0)) {
      throw new Violation(`${place} waits for ever`)
    }
    if (!state.isReady || state.settled !== state.epoch) {
      throw new Violation(`${place} never has all of view ${state.epoch}`)
    }
    const vector = vectorOf(world, place)
    if (vector.join() !== first.join()) {
      throw new Violation(`W3: 0 has ${first} and ${place} has ${vector}: no convergence`)
    }
    const kept = [state.lost, state.early, state.joiners].map(({ size }) => size)
    kept.push(state.held.length, state.queue.length, state.queued.size, state.syncs.length)
    if (kept.some((count) => count > 0)) throw new Violation(`${place} keeps ${kept}`)
    const strays = [...state.logs.keys(), ...state.peers.keys()]
    if (strays.some((each) => !members.includes(each))) {
      throw new Violation(`${place} keeps updates of who left: ${strays}`)
    }
  }
}
