/**
 * Makes acts on one field or lock easier to explain, without a change of whether they can be. What
 * has no answer is what makes searches long: most of it can be left out, or does have an end.
 */
import { type Act, foundBy, isBlind, isOpenAct, leavesKnown, mayFind, unknownValue } from './act.ts'
import { absent, type ValueNumbers } from './value-numbers.ts'

/** In order of their start. */
export function simplify(acts: readonly Act[], initial: number, values: ValueNumbers): Act[] {
  return withoutNames(endsOf(usefulActs(acts, values), initial), initial)
}

/** Without those that have no answer and whose effect nobody can have seen. */
function usefulActs(acts: readonly Act[], values: ValueNumbers): Act[] {
  const useful = acts.filter((act) => !isOpenAct(act))
  let waiting = acts.filter(isOpenAct)
  const finders = useful.filter((act) => !isBlind(act))
  // Those that are found to be of use may be the ones that see the effect of others.
  while (waiting.length > 0) {
    const found = waiting.filter((act) =>
      finders.some((each) => each.end >= act.start && mayFind(each, act.value, values)),
    )
    if (found.length === 0) break
    useful.push(...found)
    finders.splice(0, finders.length, ...found.filter((act) => !isBlind(act)))
    waiting = waiting.filter((act) => !found.includes(act))
  }
  return useful.sort((a, b) => a.start - b.start)
}

/**
 * What has no answer, and alone can have written a value that someone has found, took effect before
 * that one ended: it has an end, after all.
 */
function endsOf(acts: readonly Act[], initial: number): Act[] {
  let settled = [...acts]
  // An end may tell that another value was found.
  for (let isNew = settled.some(isOpenAct); isNew; ) {
    isNew = false
    const writers = new Map<number, number>()
    const ends = new Map<number, number>()
    for (const act of settled) {
      if (leavesKnown(act) || act.kind === 'add') count(writers, act.value)
      const found = foundBy(act)
      if (found !== undefined) ends.set(found, Math.min(act.end, ends.get(found) ?? act.end))
    }
    if (writers.has(unknownValue)) return settled
    settled = settled.map((act) => {
      const { value } = act
      const end = ends.get(value)
      const isOnly = isOpenAct(act) && writers.get(value) === 1 && value !== initial
      if (!isOnly || end === undefined || end < act.start) return act
      isNew = true
      return { ...act, end }
    })
  }
  return settled
}

/** What nobody looks for by its value: one is as good as another. */
const nameless = -2

/** Values that are neither found nor asked for are all the same. */
function withoutNames(acts: readonly Act[], initial: number): Act[] {
  // A sum depends on the very value.
  if (acts.some(({ kind }) => kind === 'add')) return [...acts]
  const named = new Set([absent, initial])
  for (const { kind, value, expected } of acts) named.add(kind === 'read' ? value : expected)
  return acts.map((act) =>
    isWrite(act) && !named.has(act.value) ? { ...act, value: nameless } : act,
  )
}

function isWrite({ kind }: Act): boolean {
  return kind === 'write' || kind === 'swap'
}

function count(counts: Map<number, number>, value: number): void {
  counts.set(value, (counts.get(value) ?? 0) + 1)
}
