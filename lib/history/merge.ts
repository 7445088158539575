/**
 * Makes a history of a recording: a pure function of its lines.
 *
 * Rule 1: an intent without a completion is an operation whose answer nobody saw.
 * Rule 2: stamps of another machine are moved to the first one's clock, and an interval grows by
 * what is not known of it: operations may come to overlap, and none comes to precede another.
 * Rule 3: a client is one sequential caller. Operations of one caller that overlap are given to
 * several clients.
 * Rule 4: no two stamps are equal; where two were, nothing is claimed of their order.
 */

import type { Entry } from './entry.ts'
import { clockOf, toFirstClock } from './first-clock.ts'
import {
  type Completion,
  type HistoryLine,
  type HistoryOperation,
  noAnswer,
  type PartNotice,
  type RecordedOperation,
} from './format.ts'
import { settleInitials } from './initials.ts'
import { joinReleases } from './releases.ts'

/** The lines of one file. */
export interface HistoryPart {
  /** The name by which a notice calls it; '' for the first one. */
  readonly name: string
  readonly lines: readonly HistoryLine[]
}

export interface MergedHistory {
  /** By their start. */
  readonly operations: readonly HistoryOperation[]
  /** Parts that belong to it and were not given: without them it says nothing. */
  readonly missing: readonly PartNotice[]
}

export function mergeHistory(parts: readonly HistoryPart[]): MergedHistory {
  const missing = missingOf(parts)
  if (parts.every(isFinished)) {
    return { operations: parts.flatMap(({ lines }) => lines as HistoryOperation[]), missing }
  }
  const entries = assignClients(joinReleases(settleInitials(parts.flatMap(entriesOf))))
  return { operations: withStamps(entries), missing }
}

/** Nothing is left to do: also a history that somebody wrote by hand stays as it is. */
function isFinished({ lines }: HistoryPart): boolean {
  return lines.every((line) => 'client' in line && !('id' in line))
}

function missingOf(parts: readonly HistoryPart[]): PartNotice[] {
  const given = new Set(parts.map(({ name }) => name))
  const notices = parts.flatMap(({ lines }) => lines).filter((line) => 'part' in line)
  return notices.filter(({ part }) => !given.has(part))
}

function entriesOf({ lines }: HistoryPart): Entry[] {
  const completions = new Map<string, Completion>()
  for (const line of lines) if ('done' in line) completions.set(line.done, line)
  const clock = clockOf(lines)
  const entries: Entry[] = []
  for (const line of lines) {
    if (!('client' in line)) continue
    const id = 'id' in line ? line.id : ''
    const operation = completed(line, completions.get(id))
    if (operation === undefined) continue
    const recorder = id.slice(0, Math.max(0, id.lastIndexOf('/')))
    const caller = `${recorder}/${operation.client}`
    const times = toFirstClock(clock, operation)
    entries.push({ operation, recorder, caller, ownStart: operation.start, ...times })
  }
  return entries
}

/** The operation with what became of it; undefined if it is no part of a history. */
function completed(
  line: HistoryOperation | RecordedOperation,
  completion: Completion | undefined,
): HistoryOperation | undefined {
  const { id, ...operation } = line as RecordedOperation
  if (completion === undefined) {
    return operation.op === 'read' && operation.end === noAnswer ? undefined : operation
  }
  if (completion.failed === true) return undefined
  const { done, failed, ...result } = completion
  return { ...operation, ...result }
}

/** Each operation to a client of its caller's that has nothing else under way. */
function assignClients(entries: readonly Entry[]): Entry[] {
  const byCaller = new Map<string, Entry[]>()
  for (const entry of entries) {
    const others = byCaller.get(entry.caller)
    if (others === undefined) byCaller.set(entry.caller, [entry])
    else others.push(entry)
  }
  return [...byCaller.values()].flatMap((own) => {
    // Lines of a finished history know their client.
    return own[0]?.recorder === '' ? own : separate(own)
  })
}

function separate(own: readonly Entry[]): Entry[] {
  /** Ends of what each client did last, but for those whose last operation has none. */
  const usable: { client: number; end: number }[] = []
  let clients = 0
  return own
    .toSorted((one, other) => one.start - other.start)
    .map((entry) => {
      let at = usable.findIndex(({ end }) => end < entry.start)
      if (at < 0) at = usable.push({ client: clients++, end: 0 }) - 1
      const taken = usable[at] as { client: number; end: number }
      taken.end = entry.end
      if (entry.end === Infinity) usable.splice(at, 1)
      return { ...entry, caller: `${entry.caller}.${taken.client}` }
    })
}

/** Initial values first; then all by their start, with whole numbers from 0, none of them twice. */
function withStamps(entries: readonly Entry[]): HistoryOperation[] {
  const first = entries.filter(({ operation }) => operation.op === 'init')
  const others = entries.filter(({ operation }) => operation.op !== 'init')
  const events: { time: number; isEnd: boolean; stamped: Stamped }[] = []
  const all: Stamped[] = first.map((entry, at) => ({ entry, start: 2 * at, end: 2 * at + 1 }))
  for (const entry of others) {
    const stamped = { entry, start: 0, end: noAnswer }
    events.push({ time: entry.start, isEnd: false, stamped })
    if (entry.end !== Infinity) events.push({ time: entry.end, isEnd: true, stamped })
  }
  // Of two that seem to be at one time the start comes first: so they overlap.
  events.sort((one, other) => one.time - other.time || Number(one.isEnd) - Number(other.isEnd))
  const begin = Math.min(0, events[0]?.time ?? 0)
  let last = 2 * first.length - 1
  for (const { time, isEnd, stamped } of events) {
    last = Math.max(last + 1, time - begin)
    if (isEnd) stamped.end = last
    else all.push(Object.assign(stamped, { start: last }))
  }
  return numberClients(all)
}

interface Stamped {
  readonly entry: Entry
  start: number
  end: number
}

/** From 0, in the order in which they appear. */
function numberClients(all: readonly Stamped[]): HistoryOperation[] {
  const clients = new Map<string, number>()
  return all.map(({ entry: { operation, caller }, start, end }) => {
    const client = clients.get(caller) ?? clients.size
    clients.set(caller, client)
    const { kind, store, key, op, arg, exp, out, ok } = operation
    const values = {
      ...(arg === undefined ? {} : { arg }),
      ...(exp === undefined ? {} : { exp }),
      ...(out === undefined ? {} : { out }),
    }
    // In the order in which the format names them.
    return { client, kind, store, key, op, ...values, ok, start, end }
  })
}
