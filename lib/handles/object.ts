/** Handles of strict objects that never block: every method returns a promise. */
import { isDeepStrictEqual } from 'node:util'
import { currentScope } from '../client/scope.ts'
import type {
  Answer,
  EncodedValue,
  EntryRow,
  FieldState,
  StrictOperation,
  WriteOutcome,
} from '../wire/messages.ts'
import { handleMark, type ObjectCore } from './object-core.ts'
import { askWithin, checkWaitOptions, deadlineOf, type WaitOptions } from './wait.ts'

/** Names of fields, as strings. */
export type FieldOf<T> = Extract<keyof T, string>

/** A shared object whose methods return promises. Values that are plain data come back frozen. */
export interface AsyncObject<T extends object> {
  /** The name all threads know it by. */
  readonly name: string
  /** The value of a field, `undefined` if it is absent. */
  get<K extends FieldOf<T>>(field: K): Promise<T[K]>
  /** Writes a field. */
  set<K extends FieldOf<T>>(field: K, value: T[K]): Promise<void>
  /**
   * Replaces a field's value by what `change` makes of it, atomically: `change` runs here, and again if
   * another write came first, so it should do nothing else. Resolves to the new value.
   */
  update<K extends FieldOf<T>>(field: K, change: (value: T[K]) => T[K]): Promise<T[K]>
  /** Adds to a number, atomically and in one message; an absent field counts as 0. Resolves to the sum. */
  add<K extends FieldOf<T>>(field: K, delta?: number): Promise<number>
  /** Writes `value` if the field equals `expected` (deeply; `undefined`: is absent). Whether it did. */
  compareAndSet<K extends FieldOf<T>>(
    field: K,
    expected: T[K] | undefined,
    value: T[K],
  ): Promise<boolean>
  /** Removes a field. Whether it was there. */
  delete<K extends FieldOf<T>>(field: K): Promise<boolean>
  has(field: FieldOf<T>): Promise<boolean>
  keys(): Promise<FieldOf<T>[]>
  /** All fields with their values, at one moment. */
  entries(): Promise<[FieldOf<T>, T[FieldOf<T>]][]>
  /** All fields as one frozen object, at one moment. */
  snapshot(): Promise<Readonly<T>>
  /**
   * Resolves to the field's value as soon as it is there and `until` holds for it. Without `until` any
   * value but `undefined` will do. No polling: the master answers when the field changes.
   */
  waitFor<K extends FieldOf<T>>(
    field: K,
    until?: (value: T[K]) => boolean,
    options?: WaitOptions,
  ): Promise<T[K]>
  waitFor<K extends FieldOf<T>>(field: K, options: WaitOptions): Promise<T[K]>
  /**
   * The field's value now, if it is there, and after every change; `undefined` once it is removed. A
   * slow reader misses values in between and always gets the latest.
   */
  watch<K extends FieldOf<T>>(
    field: K,
    options?: { signal?: AbortSignal },
  ): AsyncIterableIterator<T[K] | undefined>
}

export class AsyncObjectHandle {
  readonly #core: ObjectCore
  /** Updates take several steps; what is called after one on the same field waits for it. */
  readonly #updating = new Map<string, Promise<unknown>>()

  constructor(core: ObjectCore) {
    this.#core = core
    Object.defineProperty(this, handleMark, { value: true })
  }

  get name(): string {
    return this.#core.name
  }

  /** Sends now, or after the updates of the field that were called before. */
  #ask(what: string, field: string | undefined, operation: () => StrictOperation): Promise<Answer> {
    const before = field === undefined ? undefined : this.#updating.get(field)
    if (before !== undefined) return before.then(() => this.#askNow(what, operation()))
    try {
      return this.#askNow(what, operation())
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #askNow(what: string, operation: StrictOperation): Promise<Answer> {
    const node = this.#core.node(what, false)
    return node.client.askAsync(currentScope().owner, operation)
  }

  async get(field: string): Promise<unknown> {
    const core = this.#core
    const answer = await this.#ask('read', field, () => ['get', core.name, field, core.seen(field)])
    return core.decode(field, answer as FieldState)
  }

  async set(field: string, value: unknown): Promise<void> {
    const core = this.#core
    const encoded = core.encode(field, value)
    await this.#ask('write', field, () => ['set', core.name, field, encoded, core.fences()])
  }

  async add(field: string, delta = 1): Promise<number> {
    const core = this.#core
    if (typeof delta !== 'number') throw new TypeError(`add() takes a number: ${typeof delta}`)
    const answer = await this.#ask('add to', field, () => [
      'add',
      core.name,
      field,
      delta,
      core.fences(),
    ])
    return (answer as WriteOutcome)[2] as number
  }

  async has(field: string): Promise<boolean> {
    const answer = await this.#ask('read', field, () => ['get', this.#core.name, field, 0])
    return (answer as FieldState)[0] !== 0
  }

  async delete(field: string): Promise<boolean> {
    const core = this.#core
    const answer = await this.#ask('write', field, () => [
      'delete',
      core.name,
      field,
      core.fences(),
    ])
    return answer as boolean
  }

  async keys(): Promise<string[]> {
    return (await this.#ask('read', undefined, () => ['keys', this.#core.name])) as string[]
  }

  async entries(): Promise<[string, unknown][]> {
    const core = this.#core
    const rows = await this.#ask('read', undefined, () => ['entries', core.name])
    return (rows as readonly EntryRow[]).map(([field, version, value]) => [
      field,
      core.decodeValue(field, version, value),
    ])
  }

  async snapshot(): Promise<object> {
    return Object.freeze(Object.fromEntries(await this.entries()))
  }

  update(field: string, change: (value: unknown) => unknown): Promise<unknown> {
    if (typeof change !== 'function') {
      return Promise.reject(new TypeError(`update() takes a function: ${typeof change}`))
    }
    return this.#stepwise(field, () => this.#update(field, change))
  }

  async #update(field: string, change: (value: unknown) => unknown): Promise<unknown> {
    const core = this.#core
    let [version, value] = await this.#read(field)
    for (;;) {
      const next = change(value)
      const encoded = core.encode(field, next)
      const [done, now, current] = await this.#replace(field, version, encoded)
      version = now
      value = core.decodeValue(field, now, current)
      if (done) return value
    }
  }

  async #read(field: string): Promise<[version: number, value: unknown]> {
    const core = this.#core
    const state = await this.#askNow('read', ['get', core.name, field, core.seen(field)])
    const [version] = state as FieldState
    return [version, core.decode(field, state as FieldState)]
  }

  async #replace(field: string, version: number, value: EncodedValue): Promise<WriteOutcome> {
    const core = this.#core
    return (await this.#askNow('write', [
      'replace',
      core.name,
      field,
      version,
      value,
      core.fences(),
    ])) as WriteOutcome
  }

  /** Runs after the updates of the field that were called before, and before what is called after. */
  #stepwise<R>(field: string, act: () => Promise<R>): Promise<R> {
    const before = this.#updating.get(field) ?? Promise.resolve()
    const result = before.then(act)
    const settled: Promise<unknown> = result.then(
      () => this.#settled(field, settled),
      () => this.#settled(field, settled),
    )
    this.#updating.set(field, settled)
    return result
  }

  #settled(field: string, update: Promise<unknown>): void {
    if (this.#updating.get(field) === update) this.#updating.delete(field)
  }

  async compareAndSet(field: string, expected: unknown, value: unknown): Promise<boolean> {
    const core = this.#core
    const encoded = core.encode(field, value)
    const simple = core.encodeInline(expected)
    if (simple === undefined) {
      return this.#stepwise(field, () => this.#compareAndSet(field, expected, encoded))
    }
    const answer = await this.#ask('write', field, () => [
      'compareAndSet',
      core.name,
      field,
      simple.inline,
      encoded,
      core.fences(),
    ])
    return (answer as WriteOutcome)[0]
  }

  async #compareAndSet(field: string, expected: unknown, encoded: EncodedValue): Promise<boolean> {
    let [version, value] = await this.#read(field)
    while (isDeepStrictEqual(value, expected)) {
      const [done, now, current] = await this.#replace(field, version, encoded)
      if (done) return true
      version = now
      value = this.#core.decodeValue(field, now, current)
    }
    return false
  }

  async waitFor(
    field: string,
    untilOrOptions?: ((value: unknown) => boolean) | WaitOptions,
    options: WaitOptions = {},
  ): Promise<unknown> {
    const [until, limits] = waitArguments(untilOrOptions, options)
    const core = this.#core
    const what = `waitFor('${field}') of ${core}`
    checkWaitOptions(what, limits)
    const deadline = deadlineOf(limits)
    let seen = -1
    for (;;) {
      const node = core.node('wait for', false)
      const owner = currentScope().owner
      const operation = ['wait', core.name, field, seen] as const
      const state = (await askWithin(node, owner, operation, deadline, what)) as FieldState
      const value = core.decode(field, state)
      if (until(value)) return value
      seen = state[0]
    }
  }

  watch(field: string, options: { signal?: AbortSignal } = {}): AsyncIterableIterator<unknown> {
    return watchField(this.#core, field, options)
  }
}

/** Sorts out `waitFor(field, until?, options?)`. */
export function waitArguments(
  untilOrOptions: ((value: unknown) => boolean) | WaitOptions | undefined,
  options: WaitOptions,
): [(value: unknown) => boolean, WaitOptions] {
  if (typeof untilOrOptions === 'function') return [untilOrOptions, options]
  const isThere = (value: unknown): boolean => value !== undefined
  if (untilOrOptions === undefined) return [isThere, options]
  if (typeof untilOrOptions !== 'object' || untilOrOptions === null) {
    throw new TypeError(`waitFor() takes a function or options: ${typeof untilOrOptions}`)
  }
  return [isThere, untilOrOptions]
}

function watchField(
  core: ObjectCore,
  field: string,
  options: { signal?: AbortSignal },
): AsyncIterableIterator<unknown> {
  const stop = new AbortController()
  const signal =
    options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal])
  let seen = -1
  async function* changes(): AsyncGenerator<unknown> {
    const deadline = deadlineOf({ signal })
    for (;;) {
      const node = core.node('watch', false)
      const operation = ['wait', core.name, field, seen] as const
      const what = `watch('${field}') of ${core}`
      const state = (await askWithin(
        node,
        currentScope().owner,
        operation,
        deadline,
        what,
      )) as FieldState
      const first = seen === -1
      seen = state[0]
      if (!first || seen !== 0) yield core.decode(field, state)
    }
  }
  const iterator = changes()
  return {
    next: () => iterator.next(),
    // A generator cannot be left while it waits: the wait is given up first.
    return: async () => {
      stop.abort()
      await iterator.return(undefined).catch(() => {})
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
