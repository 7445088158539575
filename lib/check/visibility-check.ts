/**
 * `causal` and `fifo`. Both say: each client has seen a set of writes, which grows; there is one
 * order of all writes, in which a write comes after all that its writer had seen; and a read
 * returns the last in that order of what its client has seen. They differ in what is seen.
 *
 * `fifo`: one's own writes; with another client's write, all that this client had written before.
 * `causal`: with a write, also all that its writer had seen.
 *
 * Rule 1: the sets are taken as small as the reads allow: a larger one could only forbid more. Each
 * is told by how many acts of each client are in it.
 * Rule 2: what the order must hold to is a graph of writes; it exists if there is no circle.
 */
import type { Act } from './act.ts'
import { type ClientOrder, clientOrderOf, type Step, WritePlaces, writes } from './client-order.ts'

export interface VisibilityOptions {
  /** With a write, one sees what its writer had seen. */
  readonly isCausal: boolean
  /** The value of the act's field at first. */
  readonly initialOf: (act: Act) => number
}

/** How many acts of each client someone has seen: by index of the act after which it is so. */
export type SeenSets = readonly Int32Array[]

/** Whether there are such sets and such an order. Acts on counters are seen, and not judged. */
export function isVisible(acts: readonly Act[], options: VisibilityOptions): boolean {
  const order = clientOrderOf(acts)
  const sources = sourcesOf(order, options)
  const seen = sources && seenSets(order, sources, options)
  if (sources === undefined || seen === undefined) return false
  const earlier = arbitration(order, sources, seen)
  return earlier !== undefined && !hasCircle(earlier)
}

/** The sets of a history that is known to have some. */
export function seenOf(order: ClientOrder, options: VisibilityOptions): SeenSets {
  const sources = sourcesOf(order, options)
  return (sources && seenSets(order, sources, options)) ?? []
}

function seenSets(
  order: ClientOrder,
  sources: Sources,
  { isCausal }: VisibilityOptions,
): SeenSets | undefined {
  return isCausal ? causalSets(order, sources) : fifoSets(order, sources)
}

/** Of a read: the write it saw, or that it saw the initial value; undefined for other acts. */
type Sources = readonly (Step | 'initial' | undefined)[]

/** Undefined if a read saw what nobody wrote. */
function sourcesOf({ steps }: ClientOrder, { initialOf }: VisibilityOptions): Sources | undefined {
  const writers = new Map<string, Step>()
  const counters = new Set<number>()
  for (const step of steps) {
    if (writes(step)) writers.set(`${step.field} ${step.act.value}`, step)
    if (step.act.kind === 'add') counters.add(step.field)
  }
  const sources: (Step | 'initial' | undefined)[] = []
  for (const { act, field } of steps) {
    const isRead = act.kind === 'read' && !counters.has(field)
    const writer = isRead ? writers.get(`${field} ${act.value}`) : undefined
    if (!isRead) sources.push(undefined)
    else if (writer !== undefined) sources.push(writer)
    else if (act.value === initialOf(act)) sources.push('initial')
    else return undefined
  }
  return sources
}

function fifoSets({ steps, clients }: ClientOrder, sources: Sources): SeenSets | undefined {
  const sets: Int32Array[] = []
  let last = new Int32Array(clients.length)
  // Steps come client by client.
  for (const { index, client, place } of steps) {
    last = place === 0 ? new Int32Array(clients.length) : Int32Array.from(last)
    last[client] = place + 1
    const source = sources[index]
    if (typeof source === 'object') {
      // Nobody has seen what he is to write.
      if (source.client === client && source.place > place) return undefined
      last[source.client] = Math.max(last[source.client] as number, source.place + 1)
    }
    sets.push(last)
  }
  return sets
}

/** Undefined if someone saw what came of his own doing. */
function causalSets({ steps, clients }: ClientOrder, sources: Sources): SeenSets | undefined {
  const sets: Int32Array[] = []
  const next = new Int32Array(clients.length)
  const waiting = new Map<number, number[]>()
  const ready = clients.map((_, client) => client)
  let done = 0
  for (let client = ready.pop(); client !== undefined; client = ready.pop()) {
    const own = clients[client] as readonly Step[]
    let last = sets[own[(next[client] as number) - 1]?.index ?? -1]
    for (;;) {
      const step = own[next[client] as number]
      if (step === undefined) break
      const source = sources[step.index]
      const seen = typeof source === 'object' ? sets[source.index] : undefined
      if (typeof source === 'object' && seen === undefined) {
        waiting.set(source.index, [...(waiting.get(source.index) ?? []), client])
        break
      }
      const set = last === undefined ? new Int32Array(clients.length) : Int32Array.from(last)
      set[client] = step.place + 1
      for (const [each, count] of (seen ?? []).entries()) {
        set[each] = Math.max(set[each] as number, count)
      }
      sets[step.index] = set
      last = set
      next[client] = step.place + 1
      done += 1
      ready.push(...(waiting.get(step.index) ?? []))
      waiting.delete(step.index)
    }
  }
  return done === steps.length ? sets : undefined
}

/** By index of a write: those that come before it. Undefined if one would have to precede all. */
function arbitration(order: ClientOrder, sources: Sources, seen: SeenSets): number[][] | undefined {
  const { steps, clients } = order
  const places = new WritePlaces(order, writes)
  const latest = clients.map(latestWrites)
  const earlier: number[][] = steps.map(() => [])
  const put = (client: number, place: number, before: Step): void => {
    const index = clients[client]?.[place]?.index as number
    if (index !== before.index) earlier[before.index]?.push(index)
  }
  for (const step of steps) {
    const set = seen[step.index] as Int32Array
    const source = sources[step.index]
    for (let client = 0; client < clients.length; client += 1) {
      const count = (set[client] as number) - (client === step.client ? 1 : 0)
      const place = writes(step) ? (latest[client]?.[count] ?? -1) : -1
      if (place >= 0) put(client, place, step)
      if (source === undefined) continue
      const other = places.latest(client, step.field, set[client] as number)
      if (other < 0) continue
      if (source === 'initial') return undefined
      put(client, other, source)
    }
  }
  return earlier
}

/** The place of the last write among the first so many acts, for each number of acts. */
function latestWrites(steps: readonly Step[]): Int32Array {
  const latest = new Int32Array(steps.length + 1).fill(-1)
  for (const step of steps) {
    latest[step.place + 1] = writes(step) ? step.place : (latest[step.place] as number)
  }
  return latest
}

function hasCircle(earlier: readonly (readonly number[])[]): boolean {
  const waits = earlier.map((each) => each.length)
  const later: number[][] = earlier.map(() => [])
  for (const [index, each] of earlier.entries()) for (const one of each) later[one]?.push(index)
  const free = [...waits.keys()].filter((index) => waits[index] === 0)
  let done = 0
  for (let index = free.pop(); index !== undefined; index = free.pop()) {
    done += 1
    for (const each of later[index] as number[]) {
      waits[each] = (waits[each] as number) - 1
      if (waits[each] === 0) free.push(each)
    }
  }
  return done < earlier.length
}
