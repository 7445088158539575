/**
 * Counters under `causal` and `fifo`: fields with adds and no other writes. Whoever reads one sees
 * all of his own adds, the first so many of each other client, and at least those that he is known
 * to have seen. That bounds what he can read; whether some number within the bounds could not be
 * put together is not looked at.
 */
import { type Act, isOpenAct, unknownValue } from './act.ts'
import type { ClientOrder, Step } from './client-order.ts'
import type { ValueNumbers } from './value-numbers.ts'
import type { SeenSets } from './visibility-check.ts'

export interface CounterFault {
  /** It is more, or less, than can have been; or less than what its client had read before. */
  readonly why: 'above' | 'back' | 'below'
  /** The one that shows it is the last. */
  readonly acts: readonly Act[]
}

export function counterFaults(
  order: ClientOrder,
  seen: SeenSets,
  values: ValueNumbers,
  initialOf: (act: Act) => number,
): CounterFault | undefined {
  const adds = order.steps.filter(({ act }) => act.kind === 'add')
  for (const field of new Set(adds.map((step) => step.field))) {
    const counter = new Counter(order, field)
    const looks = order.steps.filter((step) => step.field === field && shows(step))
    for (const step of looks) {
      const initial = numberOf(values, initialOf(step.act))
      const sum = numberOf(values, step.act.value)
      const { low, high } = counter.bounds(step, seen[step.index] as Int32Array)
      if (sum > initial + high) return { why: 'above', acts: [step.act] }
      if (sum < initial + low) {
        return { why: 'below', acts: [...adds.map(({ act }) => act), step.act] }
      }
    }
    const back = counter.stepBack(looks, values)
    if (back !== undefined) return { why: 'back', acts: back }
  }
  return undefined
}

function shows({ act }: Step): boolean {
  return act.value !== unknownValue
}

function numberOf(values: ValueNumbers, number: number): number {
  return Number(values.valueOf(number) ?? 0)
}

interface Bounds {
  readonly low: number
  readonly high: number
}

class Counter {
  readonly #own: readonly (readonly Step[])[]

  constructor(order: ClientOrder, field: number) {
    this.#own = order.clients.map((steps) =>
      steps.filter((step) => step.field === field && step.act.kind === 'add'),
    )
  }

  /** What the adds come to that someone may have seen who has seen at least these. */
  bounds(step: Step, seen: Int32Array): Bounds {
    let low = 0
    let high = 0
    for (const [client, adds] of this.#own.entries()) {
      const most = client === step.client ? step.place + 1 : Number.POSITIVE_INFINITY
      const bounds = boundsOf(adds, seen[client] ?? 0, most)
      low += bounds.low
      high += bounds.high
    }
    return { low, high }
  }

  /** Two looks of a client, the later of which has seen less of the others; where all adds grow. */
  stepBack(looks: readonly Step[], values: ValueNumbers): Act[] | undefined {
    const all = this.#own.flat()
    if (!all.every(({ act }) => act.delta >= 0)) return undefined
    let before: Step | undefined
    for (const step of looks) {
      const own = this.#own[step.client] as readonly Step[]
      if (before?.client === step.client && !own.some(({ act }) => isOpenAct(act))) {
        const from = before.place
        const between = own.filter(({ place }) => place > from && place <= step.place)
        const grown = between.reduce((sum, { act }) => sum + act.delta, 0)
        const growth = numberOf(values, step.act.value) - numberOf(values, before.act.value)
        if (growth < grown) return [before, ...between, step].map(({ act }) => act)
      }
      before = step
    }
    return undefined
  }
}

/** Of the sums of the first adds: those that were seen, and any number up to `most` acts. */
function boundsOf(adds: readonly Step[], seen: number, most: number): Bounds {
  let low = 0
  let high = 0
  let lowest = 0
  let highest = 0
  for (const { act, place } of adds) {
    if (place >= most) break
    low += isOpenAct(act) ? Math.min(0, act.delta) : act.delta
    high += isOpenAct(act) ? Math.max(0, act.delta) : act.delta
    // Up to what was seen there is no choice.
    const isSeen = place < seen
    lowest = isSeen ? low : Math.min(lowest, low)
    highest = isSeen ? high : Math.max(highest, high)
  }
  return { low: lowest, high: highest }
}
