/**
 * Handles of strict objects that block: fields are properties (`s.x`, `s.x += 1`), and the methods of the
 * asynchronous handle answer at once. The calling thread sleeps until its hub has answered.
 */
import { inspect, isDeepStrictEqual } from 'node:util'
import { currentScope } from '../client/scope.ts'
import { GoawayError } from '../errors.ts'
import type {
  Answer,
  EncodedValue,
  EntryRow,
  FieldState,
  StrictOperation,
  WriteOutcome,
} from '../wire/messages.ts'
import type { FieldOf } from './object.ts'
import { waitArguments } from './object.ts'
import { gaveUp, handleMark, type ObjectCore } from './object-core.ts'
import { checkWaitOptions, deadlineOf, type WaitOptions } from './wait.ts'

/** The methods of a blocking handle. See {@link AsyncObject} for what each does. */
export interface SyncMethods<T extends object> {
  get<K extends FieldOf<T>>(field: K): T[K]
  set<K extends FieldOf<T>>(field: K, value: T[K]): void
  update<K extends FieldOf<T>>(field: K, change: (value: T[K]) => T[K]): T[K]
  add<K extends FieldOf<T>>(field: K, delta?: number): number
  compareAndSet<K extends FieldOf<T>>(field: K, expected: T[K] | undefined, value: T[K]): boolean
  delete<K extends FieldOf<T>>(field: K): boolean
  has(field: FieldOf<T>): boolean
  keys(): FieldOf<T>[]
  entries(): [FieldOf<T>, T[FieldOf<T>]][]
  snapshot(): Readonly<T>
  waitFor<K extends FieldOf<T>>(
    field: K,
    until?: (value: T[K]) => boolean,
    options?: WaitOptions,
  ): T[K]
  waitFor<K extends FieldOf<T>>(field: K, options: WaitOptions): T[K]
  watch<K extends FieldOf<T>>(field: K): IterableIterator<T[K] | undefined>
}

/** Names that are methods and so no properties: `get` and `set` still reach such a field. */
export type ReservedName = keyof SyncMethods<object> | 'then' | 'toJSON' | keyof object

/** A shared object whose fields are properties. Reading and writing block the thread. */
export type SyncObject<T extends object> = SyncMethods<T> & Omit<T, ReservedName>

class BlockingMethods {
  readonly #core: ObjectCore

  constructor(core: ObjectCore) {
    this.#core = core
  }

  #ask(what: string, operation: StrictOperation, timeoutMs?: number): Answer {
    const node = this.#core.node(what, true)
    return node.client.askBlocking(currentScope().owner, operation, timeoutMs)
  }

  get(field: string): unknown {
    const core = this.#core
    // Being told of the initial values comes before asking for what has been seen.
    core.node('read', true)
    const answer = this.#ask('read', ['get', core.name, field, core.seen(field)])
    return core.decode(field, answer as FieldState)
  }

  set(field: string, value: unknown): void {
    const core = this.#core
    this.#ask('write', ['set', core.name, field, core.encode(field, value), core.fences()])
  }

  add(field: string, delta = 1): number {
    const core = this.#core
    if (typeof delta !== 'number') throw new TypeError(`add() takes a number: ${typeof delta}`)
    const answer = this.#ask('add to', ['add', core.name, field, delta, core.fences()])
    return (answer as WriteOutcome)[2] as number
  }

  has(field: string): boolean {
    return (this.#ask('read', ['get', this.#core.name, field, 0]) as FieldState)[0] !== 0
  }

  delete(field: string): boolean {
    const core = this.#core
    return this.#ask('write', ['delete', core.name, field, core.fences()]) as boolean
  }

  keys(): string[] {
    return this.#ask('read', ['keys', this.#core.name]) as string[]
  }

  entries(): [string, unknown][] {
    const core = this.#core
    const rows = this.#ask('read', ['entries', core.name]) as readonly EntryRow[]
    return rows.map(([field, version, value]) => [field, core.decodeValue(field, version, value)])
  }

  snapshot(): object {
    return Object.freeze(Object.fromEntries(this.entries()))
  }

  update(field: string, change: (value: unknown) => unknown): unknown {
    if (typeof change !== 'function') {
      throw new TypeError(`update() takes a function: ${typeof change}`)
    }
    const core = this.#core
    let [version, value] = this.#read(field)
    for (;;) {
      const [done, now, current] = this.#replace(field, version, core.encode(field, change(value)))
      version = now
      value = core.decodeValue(field, now, current)
      if (done) return value
    }
  }

  compareAndSet(field: string, expected: unknown, value: unknown): boolean {
    const core = this.#core
    const encoded = core.encode(field, value)
    const simple = core.encodeInline(expected)
    if (simple !== undefined) {
      const { name } = core
      const fences = core.fences()
      const operation = ['compareAndSet', name, field, simple.inline, encoded, fences] as const
      return (this.#ask('write', operation) as WriteOutcome)[0]
    }
    let [version, current] = this.#read(field)
    while (isDeepStrictEqual(current, expected)) {
      const [done, now, state] = this.#replace(field, version, encoded)
      if (done) return true
      version = now
      current = core.decodeValue(field, now, state)
    }
    return false
  }

  #read(field: string): [version: number, value: unknown] {
    const core = this.#core
    core.node('read', true)
    const state = this.#ask('read', ['get', core.name, field, core.seen(field)]) as FieldState
    return [state[0], core.decode(field, state)]
  }

  #replace(field: string, version: number, value: EncodedValue): WriteOutcome {
    const core = this.#core
    const operation = ['replace', core.name, field, version, value, core.fences()] as const
    return this.#ask('write', operation) as WriteOutcome
  }

  waitFor(
    field: string,
    untilOrOptions?: ((value: unknown) => boolean) | WaitOptions,
    options: WaitOptions = {},
  ): unknown {
    const [until, limits] = waitArguments(untilOrOptions, options)
    const what = `waitFor('${field}') of ${this.#core}`
    checkWaitOptions(what, limits)
    const deadline = deadlineOf(limits)
    let seen = -1
    for (;;) {
      if (limits.signal?.aborted === true) throw gaveUp(what, limits, limits.signal)
      const [version, value] = this.#wait(field, seen, what, deadline)
      if (until(value)) return value
      seen = version
    }
  }

  #wait(
    field: string,
    seen: number,
    what: string,
    deadline: { at: number; options: WaitOptions },
  ): [number, unknown] {
    const core = this.#core
    const left = deadline.at === Infinity ? Infinity : Math.max(0, deadline.at - performance.now())
    try {
      const state = this.#ask('wait for', ['wait', core.name, field, seen], left) as FieldState
      return [state[0], core.decode(field, state)]
    } catch (error) {
      const given = left !== Infinity && error instanceof GoawayError
      throw given && error.code === 'ERR_GOAWAY_TIMEOUT' ? gaveUp(what, deadline.options) : error
    }
  }

  *watch(field: string): IterableIterator<unknown> {
    const what = `watch('${field}') of ${this.#core}`
    let seen = -1
    for (;;) {
      const first = seen === -1
      const [version, value] = this.#wait(field, seen, what, deadlineOf({}))
      seen = version
      if (!first || version !== 0) yield value
    }
  }

  toJSON(): object {
    return this.snapshot()
  }
}

/** Names that are never fields when used as properties. */
const methodNames = new Set(Object.getOwnPropertyNames(BlockingMethods.prototype))
methodNames.delete('constructor')
const reservedNames = new Set([
  'then',
  ...methodNames,
  ...Object.getOwnPropertyNames(Object.prototype),
])

/** Makes the object whose properties are the fields. */
export function syncObject(core: ObjectCore): object {
  const methods = new BlockingMethods(core)
  const bound = new Map<string, unknown>()
  for (const name of methodNames) {
    const method = Reflect.get(methods, name) as (...args: unknown[]) => unknown
    bound.set(name, method.bind(methods))
  }
  const target = {
    [handleMark]: true,
    [inspect.custom]: () => core.toString(),
    [Symbol.toStringTag]: core.store,
  }
  return new Proxy(target, new FieldTraps(core, methods, bound))
}

class FieldTraps implements ProxyHandler<object> {
  readonly #core: ObjectCore
  readonly #methods: BlockingMethods
  readonly #bound: ReadonlyMap<string, unknown>

  constructor(core: ObjectCore, methods: BlockingMethods, bound: ReadonlyMap<string, unknown>) {
    this.#core = core
    this.#methods = methods
    this.#bound = bound
  }

  get(target: object, property: string | symbol): unknown {
    if (typeof property === 'symbol') return Reflect.get(target, property)
    if (!reservedNames.has(property)) return this.#methods.get(property)
    // `then` is no field, so that a handle can be returned from an async function.
    return this.#bound.get(property) ?? Reflect.get(target, property)
  }

  set(_target: object, property: string | symbol, value: unknown): boolean {
    this.#methods.set(this.#checkField(property), value)
    return true
  }

  has(target: object, property: string | symbol): boolean {
    if (typeof property === 'symbol') return Reflect.has(target, property)
    return reservedNames.has(property) || this.#methods.has(property)
  }

  deleteProperty(_target: object, property: string | symbol): boolean {
    this.#methods.delete(this.#checkField(property))
    return true
  }

  ownKeys(): string[] {
    return this.#methods.keys().filter((field) => !reservedNames.has(field))
  }

  getOwnPropertyDescriptor(
    target: object,
    property: string | symbol,
  ): PropertyDescriptor | undefined {
    if (typeof property === 'symbol') return Reflect.getOwnPropertyDescriptor(target, property)
    if (reservedNames.has(property) || !this.#methods.has(property)) return undefined
    const value = this.#methods.get(property)
    return { value, writable: true, enumerable: true, configurable: true }
  }

  defineProperty(): boolean {
    throw new TypeError(`Cannot define a property of ${this.#core}: assign to it, or call set()`)
  }

  setPrototypeOf(): boolean {
    return false
  }

  preventExtensions(): boolean {
    return false
  }

  #checkField(property: string | symbol): string {
    if (typeof property === 'string' && !reservedNames.has(property)) return property
    throw new GoawayError(
      'ERR_GOAWAY_FIELD_NAME',
      `Cannot use ${String(property)} as a property of ${this.#core}: the handle needs that name; ` +
        `use get('${String(property)}') and set('${String(property)}', value), or another name`,
    )
  }
}
