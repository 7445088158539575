/** The options of `map`, checked. */
import { inspect } from 'node:util'
import { mapChunkItemsMax, mapConcurrencyMax } from '../limits.ts'
import type { RoutineTerms } from '../wire/messages.ts'
import { checkEach, checkRetries, type RoutineOptions, termsOf } from './routine-options.ts'

/** How far a `map` has come. */
export interface MapProgress {
  /** Items that are over, those that failed included. */
  readonly done: number
  /** All of them, where `items` has a length or a size. */
  readonly total?: number
}

type SharedOptions = Pick<
  RoutineOptions,
  'signal' | 'graceMs' | 'priority' | 'isolate' | 'on' | 'name' | 'retries' | 'idempotent'
>

export interface MapOptions extends SharedOptions {
  /**
   * Results in the order of their items, or of the chunks as they end. @default 'input'
   */
  order?: 'input' | 'completion'
  /**
   * Chunks that are under way at a time. @default two for each thread there is; in a routine, for
   * each of its node
   */
  concurrency?: number
  /** Items in a chunk. @default found while running: some milliseconds of work */
  chunkSize?: number
  /** Called as chunks end. What it throws stops the map. */
  onProgress?: (progress: MapProgress) => void
  /**
   * `'stop'`: the first error ends it, and what runs is cancelled. `'collect'`: all items run, and
   * at the end it rejects with ERR_GOAWAY_ITEMS, which has each error. @default 'stop'
   */
  onError?: 'stop' | 'collect'
  /** Milliseconds that one item may run; a chunk then has one item. @default no limit */
  timeoutMs?: number
  /**
   * Near the end a chunk that lags is started a second time, and the first result wins; only with
   * `idempotent`. @default false
   */
  hedge?: boolean
}

const checks: { readonly [Name in keyof Required<MapOptions>]?: (value: never) => boolean } = {
  order: (value: unknown) => value === 'input' || value === 'completion',
  concurrency: (value: number) => isCount(value, mapConcurrencyMax),
  chunkSize: (value: number) => isCount(value, mapChunkItemsMax),
  onProgress: (value: unknown) => typeof value === 'function',
  onError: (value: unknown) => value === 'stop' || value === 'collect',
  hedge: (value: unknown) => typeof value === 'boolean',
}

const expected: { readonly [Name in keyof Required<MapOptions>]?: string } = {
  order: "'input' or 'completion'",
  concurrency: `a whole number from 1 to ${mapConcurrencyMax}`,
  chunkSize: `a whole number from 1 to ${mapChunkItemsMax}`,
  onProgress: 'a function',
  onError: "'stop' or 'collect'",
  hedge: 'a boolean',
}

/** Options of routines that a map has too. */
const shared = [
  ...(['signal', 'graceMs', 'timeoutMs', 'priority', 'isolate', 'on', 'name'] as const),
  ...(['retries', 'idempotent'] as const),
]

function isCount(value: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= most
}

/** What a map goes by. */
export interface MapSettings {
  readonly terms: RoutineTerms
  readonly order: 'input' | 'completion'
  readonly concurrency: number | undefined
  readonly chunkSize: number | undefined
  readonly onProgress: ((progress: MapProgress) => void) | undefined
  readonly collects: boolean
  readonly signal: AbortSignal | undefined
  readonly attemptsMax: number
  readonly hedge: boolean
}

/** @throws {TypeError} naming the option and the value received */
export function settingsOf(options: MapOptions): MapSettings {
  checkEach('map()', { checks, expected, shared }, options)
  checkRetries(options)
  const { hedge = false, idempotent = false, timeoutMs, chunkSize } = options
  if (hedge && !idempotent) {
    throw new TypeError(`Option hedge needs idempotent: true, for items may run twice: ${hedge}`)
  }
  if (timeoutMs !== undefined && chunkSize !== undefined && chunkSize > 1) {
    throw new TypeError(
      `Option timeoutMs is that of one item, so chunkSize has to be 1 with it: ${chunkSize}`,
    )
  }
  const { retries, idempotent: _, ...rest } = options
  return {
    // A chunk runs again by order of the map, which leaves out the items that are over.
    terms: termsOf(rest),
    order: options.order ?? 'input',
    concurrency: options.concurrency,
    chunkSize: timeoutMs === undefined ? chunkSize : 1,
    onProgress: options.onProgress,
    collects: options.onError === 'collect',
    signal: options.signal,
    attemptsMax: 1 + (retries ?? 0),
    hedge,
  }
}

/** @throws {TypeError} naming what was received */
export function checkMapped(fn: unknown, items: unknown): void {
  if (typeof fn !== 'function') {
    throw new TypeError(`map(fn, items): fn must be an exported function: ${show(fn)}`)
  }
  const tag: unknown = Reflect.get(fn, Symbol.toStringTag)
  if (tag === 'GeneratorFunction' || tag === 'AsyncGeneratorFunction') {
    throw new TypeError(
      `map(fn, items): fn must return one value, a generator function returns many: ${show(fn)}`,
    )
  }
  const iterable = items as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined
  const draw = iterable?.[Symbol.asyncIterator] ?? iterable?.[Symbol.iterator]
  if (typeof draw === 'function') return
  throw new TypeError(`map(fn, items): items must be iterable, or async iterable: ${show(items)}`)
}

function show(value: unknown): string {
  return inspect(value, { depth: 0, maxArrayLength: 3, maxStringLength: 60 })
}
