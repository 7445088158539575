/** `linearizable`: each field, and each lock, by itself. */
import { type Act, actOf, type Entry } from './act.ts'
import type { Budget } from './budget.ts'
import { completeField, completeLock } from './complete.ts'
import { initialValues } from './initial-values.ts'
import { searchLinear, type Verdict } from './linear-search.ts'
import { lockActsOf } from './lock-acts.ts'
import { lockModel, type Model, registerModel } from './model.ts'
import { shrink } from './shrink.ts'
import { ValueNumbers } from './value-numbers.ts'

export interface Finding {
  readonly verdict: Verdict
  /** Acts that cannot all be right, none of which can be left out. */
  readonly window?: readonly Act[]
  /** What is wrong, where the acts alone do not show it. */
  readonly why?: string
}

/** @param entries of one field or lock */
export function checkLinear(entries: readonly Entry[], budget: Budget): Finding {
  const values = new ValueNumbers()
  const isLock = entries[0]?.operation.kind === 'lock'
  const acts = isLock ? lockActsOf(entries) : fieldActsOf(entries, values)
  const initial = initialValues(entries, values)(entries[0] as Entry)
  acts.sort((a, b) => a.start - b.start)
  const model = isLock ? lockModel : (): Model => registerModel(initial, values)
  const verdict = searchLinear(acts, model(), values, budget)
  if (verdict !== 'illegal') return { verdict }
  const window = shrink(acts, {
    isIllegal: (some) => searchLinear(some, model(), values, budget) === 'illegal',
    complete: isLock ? completeLock : (kept, pool) => completeField(kept, pool, values, true),
  })
  return { verdict, window }
}

function fieldActsOf(entries: readonly Entry[], values: ValueNumbers): Act[] {
  return entries.map((entry) => actOf(entry, values)).filter((act) => act !== undefined)
}
