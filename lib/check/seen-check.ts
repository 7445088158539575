/** `causal` and `fifo`, of all fields together. */
import { type Act, actOf, type Entry, isOpenAct } from './act.ts'
import type { Budget } from './budget.ts'
import { clientOrderOf } from './client-order.ts'
import { completeFields } from './complete.ts'
import { type CounterFault, counterFaults } from './counter-check.ts'
import { initialValues } from './initial-values.ts'
import type { Finding } from './linear-check.ts'
import { fieldOf } from './read-history.ts'
import { shrink } from './shrink.ts'
import { refuseAmbiguity } from './unique-writes.ts'
import { ValueNumbers } from './value-numbers.ts'
import { isVisible, seenOf } from './visibility-check.ts'

/** @throws {GoawayError} ERR_GOAWAY_HISTORY for writes that are not unique */
export function checkSeen(
  entries: readonly Entry[],
  model: 'causal' | 'fifo',
  budget: Budget,
): Finding {
  refuseAmbiguity(entries, model)
  const values = new ValueNumbers()
  const options = { isCausal: model === 'causal', initialOf: initialValues(entries, values) }
  const acts = effectiveActs(entries, values)
  const counted = new Set(
    acts.filter(({ kind }) => kind === 'add').map(({ entry }) => fieldOf(entry)),
  )
  const isRegister = ({ entry }: Act): boolean => !counted.has(fieldOf(entry))
  const registers = acts.filter(isRegister)
  if (!budget.spend(acts.length)) return { verdict: 'unknown' }
  const complete = (kept: readonly Act[], pool: readonly Act[]): Act[] =>
    completeFields(kept, pool, values)
  if (!isVisible(registers, options)) {
    const isIllegal = (some: readonly Act[]): boolean =>
      budget.spend(some.length) && !isVisible(some, options)
    return { verdict: 'illegal', window: shrink(registers, { isIllegal, complete }) }
  }
  const faultOf = (some: readonly Act[]): CounterFault | undefined => {
    const order = clientOrderOf(some)
    return counterFaults(order, seenOf(order, options), values, options.initialOf)
  }
  const fault = faultOf(acts)
  if (fault === undefined) return { verdict: 'ok' }
  const why = counterReasons[fault.why]
  if (fault.why !== 'below') return { verdict: 'illegal', window: fault.acts, why }
  // Less was added: so one may do without an add, unless there are some that take away.
  const isGrowing = acts.every(({ delta }) => delta >= 0)
  const completeSums = (kept: readonly Act[], pool: readonly Act[]): Act[] => {
    const stays = new Set([...kept, ...complete(kept.filter(isRegister), pool.filter(isRegister))])
    return pool.filter((act) => stays.has(act) || (!isGrowing && act.kind === 'add'))
  }
  const isIllegal = (some: readonly Act[]): boolean =>
    budget.spend(some.length) && faultOf(some)?.why === 'below'
  return { verdict: 'illegal', window: shrink(acts, { isIllegal, complete: completeSums }), why }
}

const counterReasons: Readonly<Record<CounterFault['why'], string>> = {
  above: 'this is more than all adds that its client can have seen come to',
  below: 'the last of these is less than the adds that its client had seen by then come to',
  back: 'of the adds of others, the last of these has seen less than the first',
}

/** Without writes that nobody saw answered and nobody read: they may not have been. */
function effectiveActs(entries: readonly Entry[], values: ValueNumbers): Act[] {
  const acts = entries.map((entry) => actOf(entry, values)).filter((act) => act !== undefined)
  const nameOf = ({ entry, value }: Act): string => `${value} ${fieldOf(entry)}`
  const found = new Set(acts.filter(({ kind }) => kind === 'read').map(nameOf))
  return acts
    .filter((act) => !isOpenAct(act) || act.kind === 'add' || found.has(nameOf(act)))
    .sort((a, b) => a.start - b.start)
}
