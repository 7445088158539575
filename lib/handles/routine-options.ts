/** The options of `goaway.with`, checked. */
import { inspect } from 'node:util'
import { attemptsMax, graceMsDefault, nameLengthMax, timerMsMax } from '../limits.ts'
import type { RoutineTerms } from '../wire/messages.ts'

export interface RoutineOptions {
  /** Cancels the routine when it aborts. */
  signal?: AbortSignal
  /**
   * Milliseconds a cancelled routine has to stop by itself before its thread is ended. @default
   * 1000
   */
  graceMs?: number
  /** Milliseconds it may run, counted from its start: ERR_GOAWAY_TIMEOUT. @default no limit */
  timeoutMs?: number
  /** Milliseconds it may wait for its start: ERR_GOAWAY_QUEUE_TIMEOUT. @default no limit */
  queueTimeoutMs?: number
  /** Higher goes first. @default 0 */
  priority?: number
  /** Objects that are moved to the thread instead of copied, as in `postMessage`. */
  transfer?: readonly object[]
  /** Its thread is never shared with another routine. @default false */
  isolate?: boolean
  /**
   * How often it runs again when it fails or its thread is lost; only with `idempotent`. @default 0
   */
  retries?: number
  /** Running it twice does no harm. @default false */
  idempotent?: boolean
  /**
   * Where it runs: on the node of that name, on any node with that label, or on the node that
   * starts it: `'local'`. @default on the node with the most room
   */
  on?: string
  /** What messages call it. @default the function's name */
  name?: string
}

export const defaultTerms: RoutineTerms = Object.freeze({
  graceMs: graceMsDefault,
  timeoutMs: 0,
  queueTimeoutMs: 0,
  priority: 0,
  isolate: false,
  attemptsMax: 1,
  name: '',
  on: '',
  apart: '',
})

const checks: { readonly [Name in keyof Required<RoutineOptions>]: (value: never) => boolean } = {
  signal: (value: AbortSignal) => typeof value?.addEventListener === 'function',
  graceMs: (value: number) => isDelay(value) || value === Infinity,
  timeoutMs: (value: number) => isDelay(value) && value > 0,
  queueTimeoutMs: (value: number) => isDelay(value) && value > 0,
  priority: (value: number) => Number.isSafeInteger(value),
  transfer: (value: readonly object[]) => Array.isArray(value),
  isolate: (value: boolean) => typeof value === 'boolean',
  retries: (value: number) => Number.isSafeInteger(value) && value >= 0 && value < attemptsMax,
  idempotent: (value: boolean) => typeof value === 'boolean',
  on: (value: string) => typeof value === 'string' && value !== '' && value.length <= nameLengthMax,
  name: (value: string) => typeof value === 'string' && value.length <= nameLengthMax,
}

const expected: { readonly [Name in keyof Required<RoutineOptions>]: string } = {
  signal: 'an AbortSignal',
  graceMs: `0 to ${timerMsMax} milliseconds, or Infinity`,
  timeoutMs: `1 to ${timerMsMax} milliseconds`,
  queueTimeoutMs: `1 to ${timerMsMax} milliseconds`,
  priority: 'an integer',
  transfer: 'an array',
  isolate: 'a boolean',
  retries: `0 to ${attemptsMax - 1}`,
  idempotent: 'a boolean',
  on: `the name of a node, a label, or 'local': 1 to ${nameLengthMax} characters`,
  name: `a string of at most ${nameLengthMax} characters`,
}

function isDelay(value: number): boolean {
  return typeof value === 'number' && value >= 0 && value <= timerMsMax
}

/** The options of one call: its own, and those of routines that it takes too. */
export interface OptionTable {
  readonly checks: { readonly [name: string]: ((value: never) => boolean) | undefined }
  readonly expected: { readonly [name: string]: string | undefined }
  readonly shared: readonly (keyof RoutineOptions)[]
}

const own: OptionTable = { checks: {}, expected: {}, shared: Object.keys(checks) as never }

/** @throws {TypeError} naming the option and the value received */
export function checkEach(call: string, table: OptionTable, options: object): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${call} takes an object of options: ${inspect(options)}`)
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    const key = table.shared.find((one) => one === name)
    const check = Object.hasOwn(table.checks, name) ? table.checks[name] : key && checks[key]
    if (check === undefined) {
      const names = [...Object.keys(table.checks), ...table.shared].join(', ')
      throw new TypeError(`Unknown option of ${call}: ${name}; there are ${names}`)
    }
    if (!check(value as never)) {
      const what = table.expected[name] ?? (key && expected[key])
      throw new TypeError(`Option ${name} has to be ${what}: ${inspect(value, { depth: 1 })}`)
    }
  }
}

/** @throws {TypeError} naming the value received */
export function checkRetries({ retries = 0, idempotent = false }: RoutineOptions): void {
  if (retries === 0 || idempotent) return
  throw new TypeError(
    `Option retries needs idempotent: true, for a lost routine may have run already: ${retries}`,
  )
}

/** @throws {TypeError} naming the option and the value received */
export function checkOptions(options: RoutineOptions): RoutineOptions {
  checkEach('goaway.with()', own, options)
  checkRetries(options)
  const { retries = 0, transfer } = options
  if (retries > 0 && transfer !== undefined && transfer.length > 0) {
    throw new TypeError('Option transfer cannot go with retries: what has moved cannot move again')
  }
  return options
}

export function termsOf(options: RoutineOptions): RoutineTerms {
  return {
    graceMs: options.graceMs ?? graceMsDefault,
    timeoutMs: options.timeoutMs ?? 0,
    queueTimeoutMs: options.queueTimeoutMs ?? 0,
    priority: options.priority ?? 0,
    isolate: options.isolate ?? false,
    attemptsMax: 1 + (options.retries ?? 0),
    name: options.name ?? '',
    on: options.on ?? '',
    apart: '',
  }
}
