/** From the text of a file to entries that make sense together, or an error that names the line. */
import { GoawayError } from '../errors.ts'
import { badLine, type HistoryLine, type HistoryOperation, parseLine } from '../history/format.ts'
import { mergeHistory } from '../history/merge.ts'
import type { Entry } from './act.ts'
import { groupBy } from './group-by.ts'
import { canonicalText } from './value-numbers.ts'

/** A history that has been read, with the lines of its operations. */
export interface History {
  readonly entries: readonly Entry[]
}

/** A further file of a recording. */
export interface HistoryText {
  /** By which the first one calls it. */
  readonly name: string
  readonly text: string
}

const fieldNames = new Set('client kind store key op arg exp out ok start end'.split(' '))

/**
 * Reads a history: JSON lines, one operation each; or a recording that was not finished, with
 * intents and parts, which is merged first. Empty lines are passed over.
 *
 * @param parts the files that a recording of several processes has beside the first
 * @throws {GoawayError} ERR_GOAWAY_HISTORY, whose message names the line
 */
export function parseHistory(text: string, parts: readonly HistoryText[] = []): History {
  const lines = linesOf(text)
  const isFinished = lines.every(({ content }) => 'client' in content && !('id' in content))
  if (!isFinished) return mergedHistory(lines, parts)
  const entries = lines.map(({ content, number }): Entry => {
    const unknown = Object.keys(content).find((name) => !fieldNames.has(name))
    if (unknown !== undefined) throw badLine(number, `it has a field of no meaning: ${unknown}`)
    return { operation: content as HistoryOperation, line: number }
  })
  return historyOf(entries)
}

interface Line {
  readonly content: HistoryLine
  readonly number: number
}

function linesOf(text: string): Line[] {
  const texts = text.split('\n')
  const lines: Line[] = []
  for (const [index, each] of texts.entries()) {
    if (each.trim() === '') continue
    try {
      lines.push({ content: parseLine(each, index + 1), number: index + 1 })
    } catch (error) {
      // The last line of a process that was killed may be cut off.
      const isCut = index === texts.length - 1 && lines.some(({ content }) => 'id' in content)
      if (!isCut) throw error
    }
  }
  return lines
}

/** Its lines are those that the recording will have when it is merged. */
function mergedHistory(lines: readonly Line[], parts: readonly HistoryText[]): History {
  const others = parts.map(({ name, text }) => ({ name, lines: contents(linesOf(text)) }))
  const { operations, missing } = mergeHistory([{ name: '', lines: contents(lines) }, ...others])
  const [lost] = missing
  if (lost === undefined) return toHistory(operations)
  throw new GoawayError(
    'ERR_GOAWAY_HISTORY',
    `Cannot read the recording: the part of ${lost.part} is missing, without which it says ` +
      `nothing; it lies at ${lost.where}`,
  )
}

function contents(lines: readonly Line[]): HistoryLine[] {
  return lines.map(({ content }) => content)
}

/** The history of operations at hand; the first counts as line 1. */
export function toHistory(operations: readonly HistoryOperation[]): History {
  return historyOf(operations.map((operation, index) => ({ operation, line: index + 1 })))
}

function historyOf(entries: readonly Entry[]): History {
  refuseOverlaps(entries)
  refuseLateValues(entries)
  // What has failed for certain has had no effect.
  return { entries: entries.filter(({ operation: { ok, op } }) => ok || op === 'cas') }
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
