/**
 * The lines of a history: what clients asked of shared objects and locks, and what they saw. The
 * table of the fields is in `docs/history.md`.
 *
 * Rule 1: a finished history has one line for each operation, and nothing else.
 * Rule 2: a recording in the making has intents too, and completions that refer to them, so that an
 * operation is in the file before it is on its way. Merging makes a history of it.
 * Rule 3: `null` as a value means that the field is absent; values that JSON cannot tell apart are
 * strings that begin with `@` (see `value.ts`).
 */
import { GoawayError } from '../errors.ts'

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json }

/** A register is a field of an object. */
export type HistoryKind = 'lock' | 'reg'

export type HistoryStore =
  | 'lin-fast-read'
  | 'lock'
  | 'strict'
  | 'update-on-release'
  | 'weak'
  | 'weak-causal'

export type HistoryName =
  | 'acquire'
  | 'add'
  | 'cas'
  | 'delete'
  | 'init'
  | 'read'
  | 'release'
  | 'write'

/** One operation: a line of a history. */
export interface HistoryOperation {
  /** One sequential caller. */
  readonly client: number
  readonly kind: HistoryKind
  readonly store: HistoryStore
  /** Of a field `object.field`, see {@link keyOf}; of a lock its name. */
  readonly key: string
  readonly op: HistoryName
  /** What was written, added; the token that is released. */
  readonly arg?: Json
  /** Of a cas: what has to be there. */
  readonly exp?: Json
  /** What was read, the sum, the token; of a delete whether the field was there. */
  readonly out?: Json
  /** False of a cas that found another value; of all else: it failed, and has no effect. */
  readonly ok: boolean
  /** Before the operation left its caller, in nanoseconds since the run began. */
  readonly start: number
  /** After the answer came; {@link noAnswer} if none was seen. */
  readonly end: number
}

/** An operation of a recording, by which a completion can call it. Its client is its recorder's. */
export interface RecordedOperation extends HistoryOperation {
  /** The recorder's name, a slash, and a number of its own. */
  readonly id: string
}

/** What became of an intent. */
export interface Completion {
  readonly done: string
  /** It is certain that it had no effect: it is no part of the history. */
  readonly failed?: true
  readonly out?: Json
  readonly ok: boolean
  readonly end: number
}

/** How far the clock of the recording's first process is ahead of this file's, at some time. */
export interface ClockReading {
  readonly clock: number
  readonly low: number
  readonly high: number
}

/** Another file belongs to the recording. */
export interface PartNotice {
  readonly part: string
  /** Where it is, for who has to look for it. */
  readonly where: string
}

export type HistoryLine =
  | ClockReading
  | Completion
  | HistoryOperation
  | PartNotice
  | RecordedOperation

/** The end of an operation whose answer nobody saw: it takes effect at any time, or never. */
export const noAnswer = -1

/** The key of a field: dots and backslashes in the object's name are escaped by a backslash. */
export function keyOf(object: string, field: string): string {
  return `${object.replaceAll(/[\\.]/g, '\\$&')}.${field}`
}

/** The object and the field that {@link keyOf} joined; undefined if there is no dot between two. */
export function splitKey(key: string): [object: string, field: string] | undefined {
  const [, object, field] = /^((?:[^\\.]|\\.)*)\.(.*)$/s.exec(key) ?? []
  if (object === undefined || field === undefined) return undefined
  return [object.replaceAll(/\\(.)/gs, '$1'), field]
}

/** A line without its line feed. */
export function printLine(line: HistoryLine): string {
  return JSON.stringify(line)
}

/**
 * Reads a line.
 *
 * @param number its number in the file, from 1, for the error
 * @throws {GoawayError} ERR_GOAWAY_HISTORY
 */
export function parseLine(text: string, number: number): HistoryLine {
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch (error) {
    throw badLine(number, `it is no JSON: ${excerpt(text)}`, error)
  }
  if (typeof line !== 'object' || line === null || Array.isArray(line)) {
    throw badLine(number, `it has to be an object: ${excerpt(text)}`)
  }
  const fault = faultOf(line as Readonly<Record<string, unknown>>)
  if (fault !== undefined) throw badLine(number, fault)
  return line as HistoryLine
}

const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value)
const isString = (value: unknown): boolean => typeof value === 'string'
const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const isTime = (value: unknown): boolean => isNumber(value) && (value as number) >= 0
const oneOf = (words: readonly string[]): Check => [
  (value) => words.includes(value as string),
  `one of ${words.join(', ')}`,
]

type Check = readonly [holds: (value: unknown) => boolean, what: string]

const stores = ['strict', 'lin-fast-read', 'weak', 'weak-causal', 'update-on-release', 'lock']
const registerNames = ['init', 'read', 'write', 'cas', 'add', 'delete']
const lockNames = ['acquire', 'release']

const operationChecks: Readonly<Record<string, Check>> = {
  client: [isWhole, 'a whole number from 0'],
  kind: oneOf(['reg', 'lock']),
  store: oneOf(stores),
  key: [isString, 'a string'],
  op: oneOf([...registerNames, ...lockNames]),
  ok: [(value) => typeof value === 'boolean', 'true or false'],
  start: [isTime, 'a number from 0'],
  end: [(value) => value === noAnswer || isTime(value), 'a number from 0, or -1'],
}

const completionChecks: Readonly<Record<string, Check>> = {
  done: [isString, 'a string'],
  ok: [(value) => typeof value === 'boolean', 'true or false'],
  end: [isTime, 'a number from 0'],
}

const clockChecks: Readonly<Record<string, Check>> = {
  clock: [isNumber, 'a number'],
  low: [isNumber, 'a number'],
  high: [isNumber, 'a number'],
}

const partChecks: Readonly<Record<string, Check>> = {
  part: [isString, 'a string'],
  where: [isString, 'a string'],
}

type Fields = Readonly<Record<string, unknown>>

/** What is wrong with a line, if anything is. */
function faultOf(line: Fields): string | undefined {
  if ('done' in line) return faultOfFields(line, completionChecks)
  if ('clock' in line) return faultOfFields(line, clockChecks)
  if ('part' in line) return faultOfFields(line, partChecks)
  return faultOfFields(line, operationChecks) ?? faultOfOperation(line)
}

function faultOfFields(line: Fields, checks: Readonly<Record<string, Check>>): string | undefined {
  for (const [name, [holds, what]] of Object.entries(checks)) {
    if (holds(line[name])) continue
    return `${name} has to be ${what}: ${excerpt(JSON.stringify(line[name]) ?? 'it is missing')}`
  }
  return undefined
}

/** The fields that only some operations have, and how they agree. */
function faultOfOperation(line: Fields): string | undefined {
  const { id, kind, store, op, arg, exp, out, start, end } = line
  const isLock = kind === 'lock'
  if (isLock !== lockNames.includes(op as string)) return `a ${kind} has no operation ${op}`
  if (!isLock && store === 'lock') return 'a reg has no store lock'
  if (id !== undefined && !isString(id)) return 'id has to be a string'
  const isOpen = end === noAnswer
  if (!isOpen && (end as number) < (start as number)) return `end ${end} is before start ${start}`
  if (arg === undefined && ['init', 'write', 'cas', 'add'].includes(op as string)) {
    return `arg is missing: ${op}`
  }
  if (exp === undefined && op === 'cas') return 'exp is missing: cas'
  if (out === undefined && !isOpen && ['read', 'add'].includes(op as string)) {
    return `out is missing: ${op}`
  }
  if (op === 'add' && !isNumber(arg)) return `arg of an add has to be a number: ${excerpt(arg)}`
  return undefined
}

/** @param why what is wrong, a colon, and what was found */
export function badLine(number: number, why: string, cause?: unknown): GoawayError {
  return new GoawayError(
    'ERR_GOAWAY_HISTORY',
    `Cannot read line ${number} of the history: ${why}`,
    {
      cause,
    },
  )
}

function excerpt(found: unknown): string {
  const text = typeof found === 'string' ? found : String(JSON.stringify(found))
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
