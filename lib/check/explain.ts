/**
 * Says in one sentence what is wrong with a window, and which of its operations contradict. A few
 * patterns that people know have sentences of their own; what fits none is told as it is.
 */
import { type Act, foundBy, leavesKnown } from './act.ts'
import type { ModelName } from './check-result.ts'
import { opName, valueText } from './operation-text.ts'
import { fieldOf } from './read-history.ts'

export interface Explanation {
  readonly sentence: string
  /** Those that contradict, with the one that shows it last. */
  readonly marked: readonly Act[]
}

/** @param acts of a window, in order of their start */
export function explain(acts: readonly Act[], model: ModelName): Explanation {
  const isTimed = model === 'linearizable'
  const found =
    lockOf(acts) ??
    unwritten(acts) ??
    (isTimed ? tooEarly(acts) : undefined) ??
    takenTwice(acts) ??
    (isTimed ? (overwritten(acts) ?? inverted(acts)) : undefined)
  return found ?? { sentence: nothingElse[model], marked: lastLook(acts) }
}

const nothingElse: Readonly<Record<ModelName, string>> = {
  linearizable:
    'no order of these operations explains all answers, if what ended before another began comes ' +
    'before it',
  sequential: "no order of these operations, with each client's as they were, explains all answers",
  causal:
    'no order of the writes fits what each client had seen: with a write, also what its writer ' +
    'had seen',
  fifo:
    'no order of the writes fits what each client had seen: its own, and with a write also what ' +
    'its client had written before',
}

function who({ client, entry }: Act): string {
  return `client ${client} (line ${entry.line})`
}

function did(act: Act): string {
  return `${who(act)} did ${opName(act.entry.operation)}`
}

/** What an act says that it has found, in words. */
function foundText(act: Act): string {
  const { op, out, exp, arg } = act.entry.operation
  if (op === 'cas') return valueText(exp)
  return op === 'add' ? valueText(Number(out) - Number(arg)) : valueText(op === 'read' ? out : null)
}

function lastLook(acts: readonly Act[]): Act[] {
  const looks = acts.filter((act) => act.kind !== 'write')
  const last = looks.toSorted((a, b) => a.end - b.end).at(-1) ?? acts.at(-1)
  return last === undefined ? [] : [last]
}

function isOf(act: Act, other: Act): boolean {
  return act !== other && fieldOf(act.entry) === fieldOf(other.entry)
}

/** Those that wrote what an act has found. */
function writersOf(acts: readonly Act[], look: Act): Act[] {
  const value = foundBy(look)
  return acts.filter((act) => isOf(act, look) && leavesKnown(act) && act.value === value)
}

function looksOf(acts: readonly Act[]): Act[] {
  return acts.filter((act) => foundBy(act) !== undefined).sort((a, b) => b.end - a.end)
}

function unwritten(acts: readonly Act[]): Explanation | undefined {
  const [only] = acts
  if (only === undefined || acts.length > 1 || foundBy(only) === undefined) return undefined
  const sentence = `${who(only)} found ${foundText(only)}, which nobody had written`
  return { sentence, marked: [only] }
}

function tooEarly(acts: readonly Act[]): Explanation | undefined {
  for (const look of looksOf(acts)) {
    const writers = writersOf(acts, look)
    const [first] = writers
    if (first === undefined || !writers.every(({ start }) => start > look.end)) continue
    const sentence =
      `${who(look)} found ${foundText(look)}, ` +
      `which ${who(first)} began to write only after that`
    return { sentence, marked: [first, look] }
  }
  return undefined
}

/** Two that replaced the same value, which nobody can have put back in between. */
function takenTwice(acts: readonly Act[]): Explanation | undefined {
  const takers = acts.filter((act) => act.kind === 'swap' || act.kind === 'add')
  for (const [index, taker] of takers.entries()) {
    const other = takers
      .slice(index + 1)
      .find((each) => isOf(each, taker) && foundBy(each) === foundBy(taker))
    if (other === undefined || foundBy(taker) === undefined) continue
    const first = Math.min(taker.start, other.start)
    if (writersOf(acts, taker).some((writer) => writer.end >= first)) continue
    const what = `both replaced ${foundText(taker)}, which nobody had put back`
    return { sentence: `${who(taker)} and ${who(other)} ${what}`, marked: [taker, other] }
  }
  return undefined
}

/** A look at what had been overwritten before it began. */
function overwritten(acts: readonly Act[]): Explanation | undefined {
  for (const look of looksOf(acts)) {
    const since = acts.find(
      (act) =>
        isOf(act, look) &&
        leavesKnown(act) &&
        act.value !== foundBy(look) &&
        act.end < look.start &&
        writersOf(acts, look).every((writer) => writer.end < act.start),
    )
    if (since === undefined) continue
    const sentence = `${who(look)} found ${foundText(look)}, after ${did(since)}`
    return { sentence, marked: [since, look] }
  }
  return undefined
}

/** One saw the new value, and a later one the old one. */
function inverted(acts: readonly Act[]): Explanation | undefined {
  for (const look of looksOf(acts)) {
    const before = acts.find(
      (act) =>
        isOf(act, look) &&
        act.kind === 'read' &&
        act.value !== foundBy(look) &&
        act.end < look.start,
    )
    if (before === undefined) continue
    const sentence =
      `${who(look)} found ${foundText(look)}, after ${who(before)} had found ` +
      `${foundText(before)}, and what was seen stays`
    return { sentence, marked: [before, look] }
  }
  return undefined
}

function lockOf(acts: readonly Act[]): Explanation | undefined {
  const acquires = acts.filter(({ kind }) => kind === 'acquire')
  const [first, second] = acquires
  const release = acts.find((act) => act.kind === 'release' && !act.isSystem)
  if (first === undefined) {
    if (release === undefined) return undefined
    const sentence = `${who(release)} released a lock that was not held by it`
    return { sentence, marked: [release] }
  }
  if (second === undefined)
    return { sentence: `${who(first)} cannot have got the lock`, marked: [first] }
  const isStale = second.value <= first.value && second.value >= 0
  const sentence = isStale
    ? `${who(second)} got token ${second.value}, which is not above ${first.value} of ${who(first)}`
    : `${who(second)} got the lock while ${who(first)} held it`
  return { sentence, marked: [first, second] }
}
