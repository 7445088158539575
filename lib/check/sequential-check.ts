/**
 * `sequential`: the whole history in the order of each client. First what every explanation has to
 * hold to, which decides most histories; then a search for one.
 */
import {
  type Act,
  actOf,
  type Entry,
  foundBy,
  isOpenAct,
  leavesKnown,
  unknownValue,
} from './act.ts'
import type { Budget } from './budget.ts'
import { type ClientOrder, clientOrderOf, type Step } from './client-order.ts'
import { completeFields } from './complete.ts'
import { forcedOrder, type Sources } from './forced-order.ts'
import { groupBy } from './group-by.ts'
import { initialValues } from './initial-values.ts'
import type { Finding } from './linear-check.ts'
import type { Verdict } from './linear-search.ts'
import { registerModel } from './model.ts'
import { searchOrder } from './order-search.ts'
import { shrink } from './shrink.ts'
import { absent, ValueNumbers } from './value-numbers.ts'

export function checkSequential(entries: readonly Entry[], budget: Budget): Finding {
  const values = new ValueNumbers()
  const initialOf = initialValues(entries, values)
  const acts = entries.map((entry) => actOf(entry, values)).filter((act) => act !== undefined)
  acts.sort((a, b) => a.start - b.start)
  const judge = (some: readonly Act[]): Judgement => explain(some, values, initialOf, budget)
  const { verdict, behind } = judge(acts)
  if (verdict !== 'illegal') return { verdict }
  const isIllegal = (some: readonly Act[]): boolean => judge(some).verdict === 'illegal'
  const complete = (kept: readonly Act[], pool: readonly Act[]): Act[] =>
    completeFields(kept, pool, values)
  // What is behind the contradiction is little; it should do, and if it does not, all is taken.
  const few = complete(
    acts.filter((act) => behind?.has(act) === true),
    acts,
  )
  const window = shrink(isIllegal(few) ? few : acts, { isIllegal, complete })
  return { verdict, window }
}

interface Judgement {
  readonly verdict: Verdict
  /** Acts that are illegal by themselves, if they have been found. */
  readonly behind?: ReadonlySet<Act>
}

function explain(
  acts: readonly Act[],
  values: ValueNumbers,
  initialOf: (act: Act) => number,
  budget: Budget,
): Judgement {
  const order = clientOrderOf(usefulActs(acts, values))
  const initial: number[] = Array.from({ length: order.fieldCount }, () => absent)
  for (const { act, field } of order.steps) initial[field] = initialOf(act)
  const sources = sourcesOf(order, initial)
  if (sources === undefined) return { verdict: 'illegal' }
  const edges = forcedOrder(order, sources, budget)
  if (edges === 'unknown') return { verdict: 'unknown' }
  if ('steps' in edges) {
    return { verdict: 'illegal', behind: new Set([...edges.steps].map(({ act }) => act)) }
  }
  const model = registerModel(absent, values)
  return { verdict: searchOrder({ order, edges, model, initial, budget }) }
}

/** Without what has no answer and whose effect nobody can have seen. */
function usefulActs(acts: readonly Act[], values: ValueNumbers): Act[] {
  const waiting = acts.filter(isOpenAct)
  if (waiting.length === 0) return [...acts]
  const useful = new Set(
    completeFields(
      acts.filter((act) => !isOpenAct(act)),
      acts,
      values,
    ),
  )
  return acts.filter((act) => useful.has(act))
}

/** Where only one write can have been found, that one. Undefined if there is none for a step. */
function sourcesOf(
  { steps, fieldCount }: ClientOrder,
  initial: readonly number[],
): Sources | undefined {
  const fields: Map<number, Step[]>[] = Array.from({ length: fieldCount }, () => new Map())
  const writers = steps.filter(({ act }) => leavesKnown(act) || act.kind === 'add')
  for (const [field, own] of groupBy(writers, (step) => step.field)) {
    fields[field] = groupBy(own, ({ act }) => act.value)
  }
  const sources: (Step | 'initial' | undefined)[] = []
  for (const step of steps) {
    const value = foundBy(step.act)
    const byValue = fields[step.field] as Map<number, Step[]>
    if (value === undefined || byValue.has(unknownValue)) {
      sources.push(undefined)
      continue
    }
    const candidates = (byValue.get(value) ?? []).filter((each) => each !== step)
    const isInitial = initial[step.field] === value
    if (candidates.length === 0 && !isInitial) return undefined
    const isSure = candidates.length + (isInitial ? 1 : 0) === 1
    sources.push(isSure ? (candidates[0] ?? 'initial') : undefined)
  }
  return sources
}
