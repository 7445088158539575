/** From the text of a file to entries that make sense together, or an error that names the line. */
import { badLine, type HistoryOperation, parseLine } from '../history/format.ts'
import type { Entry } from './act.ts'
import { groupBy } from './group-by.ts'
import { canonicalText } from './value-numbers.ts'

/** A history that has been read, with the lines of its operations. */
export interface History {
  readonly entries: readonly Entry[]
}

const fieldNames = new Set('client kind store key op arg exp out ok start end id'.split(' '))

/**
 * Reads a history: JSON lines, one operation each. Empty lines are passed over.
 *
 * @throws {GoawayError} ERR_GOAWAY_HISTORY, whose message names the line
 */
export function parseHistory(text: string): History {
  const entries: Entry[] = []
  for (const [index, each] of text.split('\n').entries()) {
    if (each.trim() === '') continue
    const line = index + 1
    const operation = parseLine(each, line)
    if (!('op' in operation)) throw badLine(line, `it is no operation: ${each.slice(0, 60)}`)
    const unknown = Object.keys(operation).find((name) => !fieldNames.has(name))
    if (unknown !== undefined) throw badLine(line, `it has a field of no meaning: ${unknown}`)
    entries.push({ operation, line })
  }
  return historyOf(entries)
}

/** The history of operations at hand; the first counts as line 1. */
export function toHistory(operations: readonly HistoryOperation[]): History {
  return historyOf(operations.map((operation, index) => ({ operation, line: index + 1 })))
}

function historyOf(entries: readonly Entry[]): History {
  refuseOverlaps(entries)
  refuseLateValues(entries)
  return { entries }
}

/** What names a field or a lock in a whole file. */
export function fieldOf({ operation: { store, key } }: Entry): string {
  return `${store} ${key}`
}

/**
 * A client does one thing at a time, but for those whose end nobody saw, and for what a release
 * publishes, which is one moment.
 */
function refuseOverlaps(entries: readonly Entry[]): void {
  const answered = entries.filter(({ operation: { op, end } }) => op !== 'init' && end >= 0)
  for (const [client, own] of groupBy(answered, ({ operation }) => operation.client)) {
    own.sort((a, b) => a.operation.start - b.operation.start || a.line - b.line)
    for (const [index, entry] of own.entries()) {
      const before = own[index - 1]
      if (before === undefined || isOneRelease(before, entry)) continue
      if (before.operation.end <= entry.operation.start) continue
      throw badLine(
        entry.line,
        `client ${client} began it before line ${before.line} had ended: ` +
          `${entry.operation.start} is before ${before.operation.end}`,
      )
    }
  }
}

function isOneRelease({ operation: a }: Entry, { operation: b }: Entry): boolean {
  const isPublished = a.store === 'update-on-release' || b.store === 'update-on-release'
  return isPublished && a.start === b.start && a.end === b.end
}

/** A field has one initial value, and says so first. */
function refuseLateValues(entries: readonly Entry[]): void {
  const firsts = new Map<string, Entry>()
  for (const entry of entries) {
    const { op, arg = null, key } = entry.operation
    const field = fieldOf(entry)
    const first = firsts.get(field)
    if (first === undefined) firsts.set(field, entry)
    if (op !== 'init' || first === undefined) continue
    if (first.operation.op !== 'init') {
      throw badLine(entry.line, `init has to be the first line of its field: ${key}`)
    }
    if (canonicalText(first.operation.arg ?? null) !== canonicalText(arg)) {
      throw badLine(
        entry.line,
        `${key} had another initial value in line ${first.line}: ${JSON.stringify(arg)}`,
      )
    }
  }
}
