/**
 * What every sequential explanation has to hold to: which acts come before an act. It is found by
 * looking at each read whose write is known, until nothing new follows: another write of that field
 * that precedes the read precedes its write, and one that follows the write follows the read. Where
 * that leads in a circle, there is no explanation.
 *
 * Rule 1: what precedes an act is told by how many acts of each client do: one number a client.
 */
import { isOpenAct, leavesKnown } from './act.ts'
import type { Budget } from './budget.ts'
import { type ClientOrder, type Step, WritePlaces } from './client-order.ts'
import { type Link, stepsBehind } from './forced-reasons.ts'

/** The step that a step's value came from; undefined if it is not known, or there is no such. */
export type Sources = readonly (Step | 'initial' | undefined)[]

/** By index of a step: indices of those that come before it, beside its client's earlier ones. */
export type Edges = readonly (readonly number[])[]

/** Steps that contradict, though there may be fewer that do. */
export interface Contradiction {
  readonly steps: ReadonlySet<Step>
}

export function forcedOrder(
  order: ClientOrder,
  sources: Sources,
  budget: Budget,
): Contradiction | Edges | 'unknown' {
  const forced = new ForcedOrder(order, sources)
  for (;;) {
    const looks = order.steps.length * order.clients.length
    if (!budget.spend(Math.ceil(looks / looksPerStep))) return 'unknown'
    const links = forced.settle() ?? forced.follow()
    if (links === 'none') return forced.edges
    if (links !== 'more') return { steps: stepsBehind(links, order, forced.edges, forced.reasons) }
  }
}

/** What a step of a search costs. */
const looksPerStep = 16

class ForcedOrder {
  readonly edges: number[][]
  /** Of each edge, why it is there; undefined if it leads from a write to who saw it. */
  readonly reasons: (Link | undefined)[][]
  #linkCount = 0
  readonly #order: ClientOrder
  readonly #sources: Sources
  readonly #places: WritePlaces
  /** By index of a step: how many acts of each client come before it. */
  #before: Int32Array[] = []
  #hasNew = false

  constructor(order: ClientOrder, sources: Sources) {
    this.#order = order
    this.#sources = sources
    // What has no answer may have no effect either, unless its value was found.
    const found = new Set(sources)
    this.#places = new WritePlaces(
      order,
      (step) => leavesKnown(step.act) && (!isOpenAct(step.act) || found.has(step)),
    )
    this.edges = order.steps.map(({ index }) => {
      const source = sources[index]
      return typeof source === 'object' ? [source.index] : []
    })
    this.reasons = this.edges.map((each) => each.map(() => undefined))
  }

  /** Counts what comes before each step, or finds a circle. */
  settle(): Link[] | undefined {
    const { clients, steps } = this.#order
    const before: Int32Array[] = []
    const next = new Int32Array(clients.length)
    const waiting = new Map<number, number[]>()
    const ready = clients.map((_, client) => client)
    let done = 0
    for (let client = ready.pop(); client !== undefined; client = ready.pop()) {
      for (;;) {
        const step = clients[client]?.[next[client] as number]
        if (step === undefined) break
        const missing = this.edges[step.index]?.find((index) => before[index] === undefined)
        if (missing !== undefined) {
          const others = waiting.get(missing)
          if (others === undefined) waiting.set(missing, [client])
          else others.push(client)
          break
        }
        before[step.index] = this.#count(step, before)
        next[client] = step.place + 1
        done += 1
        ready.push(...(waiting.get(step.index) ?? []))
        waiting.delete(step.index)
      }
    }
    this.#before = before
    return done === steps.length ? undefined : this.#circle(before, next)
  }

  /** Each client waits for one that waits: in the end for one that was there before. */
  #circle(before: readonly Int32Array[], next: Int32Array): Link[] {
    const { clients, steps } = this.#order
    const isStuck = (client: number): boolean => next[client] !== clients[client]?.length
    const links: Link[] = []
    const been = new Set<number>()
    let client = clients.findIndex((_, each) => isStuck(each))
    while (!been.has(client)) {
      been.add(client)
      const step = clients[client]?.[next[client] as number] as Step
      const edges = this.edges[step.index] as readonly number[]
      const missing = edges.find((index) => before[index] === undefined) as number
      const from = steps[missing] as Step
      links.push({ from, to: step, because: step, since: Number.POSITIVE_INFINITY })
      client = from.client
    }
    return links
  }

  #count(step: Step, before: readonly Int32Array[]): Int32Array {
    const { clients, steps } = this.#order
    const own = clients[step.client] as readonly Step[]
    const last = own[step.place - 1]
    const counts =
      last === undefined
        ? new Int32Array(clients.length)
        : Int32Array.from(before[last.index] as Int32Array)
    counts[step.client] = step.place
    for (const index of this.edges[step.index] as readonly number[]) {
      const { client, place } = steps[index] as Step
      for (const [each, count] of (before[index] as Int32Array).entries()) {
        if (count > (counts[each] as number)) counts[each] = count
      }
      counts[client] = Math.max(counts[client] as number, place + 1)
    }
    return counts
  }

  /** Adds what follows; or finds a write that comes before who saw the initial value. */
  follow(): Link[] | 'more' | 'none' {
    this.#hasNew = false
    for (const step of this.#order.steps) {
      const source = this.#sources[step.index]
      if (source === undefined) continue
      for (let client = 0; client < this.#order.clients.length; client += 1) {
        const wrong = this.#precede(step, source, client)
        if (wrong !== undefined) return [wrong]
        this.#succeed(step, source, client)
      }
    }
    return this.#hasNew ? 'more' : 'none'
  }

  /** The client's last write of the field before the step comes before its source. */
  #precede(step: Step, source: Step | 'initial', client: number): Link | undefined {
    const count = this.#before[step.index]?.[client] as number
    const place = this.#places.latest(client, step.field, count)
    if (place < 0) return undefined
    const other = this.#order.clients[client]?.[place] as Step
    this.#linkCount += 1
    const link = { from: other, to: step, because: step, since: this.#linkCount }
    if (source === 'initial') return link
    if (other !== source) this.#put(other, source, link)
    return undefined
  }

  /** The client's first write of the field after the source comes after the step. */
  #succeed(step: Step, source: Step | 'initial', client: number): void {
    const own = this.#order.clients[client] as readonly Step[]
    let place = this.#places.earliest(client, step.field, this.#firstAfter(own, source))
    if (own[place] === step) place = this.#places.earliest(client, step.field, place + 1)
    const other = own[place]
    if (other === undefined) return
    this.#linkCount += 1
    const from = source === 'initial' ? other : source
    this.#put(step, other, { from, to: other, because: step, since: this.#linkCount })
  }

  /** The place of the first step of these that comes after another; what comes first is first. */
  #firstAfter(own: readonly Step[], source: Step | 'initial'): number {
    if (source === 'initial') return 0
    let low = 0
    let high = own.length
    while (low < high) {
      const middle = (low + high) >> 1
      const index = (own[middle] as Step).index
      if ((this.#before[index]?.[source.client] as number) > source.place) high = middle
      else low = middle + 1
    }
    return low
  }

  #put(first: Step, second: Step, reason: Link): void {
    const before = this.#before[second.index] as Int32Array
    if ((before[first.client] as number) > first.place) return
    // The same follows from many reads.
    before[first.client] = first.place + 1
    this.edges[second.index]?.push(first.index)
    this.reasons[second.index]?.push(reason)
    this.#hasNew = true
  }
}
