/**
 * Handles of strict objects that block: fields are properties (`s.x`, `s.x += 1`), and the methods
 * of the asynchronous handle answer at once. The calling thread sleeps until its hub has answered.
 */
import { inspect, isDeepStrictEqual } from 'node:util'
import type { BlockingLimit } from '../client/hub-client.ts'
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
import type { FieldRead } from './field-read.ts'
import type { FieldOf } from './object.ts'
import { waitArguments } from './object.ts'
import { handleMark, type ObjectCore } from './object-core.ts'
import { beginWrite, type FieldChange, recordBlocking } from './recorded.ts'
import {
  blockingLimit,
  checkSignal,
  checkWaitOptions,
  deadlineOf,
  type WaitOptions,
} from './wait.ts'

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

/** What every object has. */
type InheritedName =
  | 'constructor'
  | 'hasOwnProperty'
  | 'isPrototypeOf'
  | 'propertyIsEnumerable'
  | 'toLocaleString'
  | 'toString'
  | 'valueOf'
  | '__proto__'
  | '__defineGetter__'
  | '__defineSetter__'
  | '__lookupGetter__'
  | '__lookupSetter__'

/** Names that are methods and so no properties: `get` and `set` still reach such a field. */
export type ReservedName = keyof SyncMethods<object> | 'then' | 'toJSON' | InheritedName

/** A shared object whose fields are properties. Reading and writing block the thread. */
export type SyncObject<T extends object> = SyncMethods<T> & Omit<T, ReservedName>

/** Initial values none of which has a reserved name. */
export type InitialFields<T extends object> = string extends keyof T
  ? T & { readonly [Name in Exclude<ReservedName, InheritedName>]?: never }
  : Extract<keyof T, ReservedName> extends never
    ? T
    : T & { readonly [Name in Extract<keyof T, ReservedName>]: never }

/**
 * The seam of reading: the one place where blocking handles obtain a field's value as it stands. A
 * read from shared memory will take the place of the message here. What comes after a version that
 * is known is obtained in {@link readChange}.
 */
function readField(core: ObjectCore, field: string, isRecorded = true): FieldRead {
  core.checkField(field)
  // The node first: what is known of another one counts for nothing.
  const node = core.node('read', true)
  const known = core.known(field)
  const operation = ['get', core.name, field, known?.version ?? 0] as const
  const recorded = isRecorded ? core.beginRead(node, field) : undefined
  const state = node.client.askBlocking(currentScope().owner, operation) as FieldState
  const read = core.decode(field, state, known)
  recorded?.seen(read)
  return read
}

/** The field once its version is not the one seen. */
function readChange(
  core: ObjectCore,
  field: string,
  seen: number,
  limit?: BlockingLimit,
): FieldChange {
  const node = core.node('wait for', true)
  const operation = ['wait', core.name, field, seen] as const
  const recorded = core.beginRead(node, field)
  const state = node.client.askBlocking(currentScope().owner, operation, limit)
  return { ...core.decode(field, state as FieldState), recorded }
}

class BlockingMethods {
  readonly #core: ObjectCore

  constructor(core: ObjectCore) {
    this.#core = core
  }

  #ask(what: string, operation: StrictOperation, replaced?: FieldRead): Answer {
    const core = this.#core
    const { client, recorder } = core.node(what, true)
    const scope = currentScope()
    if (recorder === undefined) return client.askBlocking(scope.owner, operation)
    const recording = beginWrite(recorder, scope, core.recordedStore, operation, replaced)
    const ask = () => client.askBlocking(scope.owner, operation)
    return recording === undefined ? ask() : recordBlocking(recording, operation, ask)
  }

  get(field: string): unknown {
    return readField(this.#core, field).value
  }

  has(field: string): boolean {
    return readField(this.#core, field).version !== 0
  }

  set(field: string, value: unknown): void {
    const core = this.#core
    core.checkField(field)
    this.#ask('write', ['set', core.name, field, core.encode(field, value), core.fences()])
  }

  add(field: string, delta = 1): number {
    const core = this.#core
    core.checkField(field)
    if (typeof delta !== 'number') throw new TypeError(`add() takes a number: ${typeof delta}`)
    const answer = this.#ask('add to', ['add', core.name, field, delta, core.fences()])
    return (answer as WriteOutcome)[2] as number
  }

  delete(field: string): boolean {
    const core = this.#core
    core.checkField(field)
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
    let read = readField(core, field, false)
    for (;;) {
      const encoded = core.encode(field, change(read.value))
      const [done, version, current] = this.#replace(field, read, encoded)
      read = { version, value: core.decodeValue(field, version, current) }
      if (done) return read.value
    }
  }

  compareAndSet(field: string, expected: unknown, value: unknown): boolean {
    const core = this.#core
    core.checkField(field)
    const encoded = core.encode(field, value)
    const simple = core.encodeInline(expected)
    if (simple !== undefined) {
      const { name } = core
      const fences = core.fences()
      const operation = ['compareAndSet', name, field, simple.inline, encoded, fences] as const
      return (this.#ask('write', operation) as WriteOutcome)[0]
    }
    const own = core.ownCopy(field, expected)
    let recorded = core.beginRead(core.node('write', true), field)
    let read = readField(core, field, false)
    while (isDeepStrictEqual(read.value, own)) {
      recorded = core.beginRead(core.node('write', true), field)
      const [done, version, current] = this.#replace(field, read, encoded)
      if (done) return true
      read = { version, value: core.decodeValue(field, version, current) }
    }
    recorded?.differs(own, encoded)
    return false
  }

  #replace(field: string, read: FieldRead, value: EncodedValue): WriteOutcome {
    const core = this.#core
    const operation = ['replace', core.name, field, read.version, value, core.fences()] as const
    return this.#ask('write', operation, read) as WriteOutcome
  }

  waitFor(
    field: string,
    untilOrOptions?: ((value: unknown) => boolean) | WaitOptions,
    options: WaitOptions = {},
  ): unknown {
    const core = this.#core
    core.checkField(field)
    const [until, limits] = waitArguments(untilOrOptions, options)
    const what = `waitFor('${field}') of ${core}`
    checkWaitOptions(what, limits)
    const deadline = deadlineOf(limits)
    let seen = -1
    for (;;) {
      checkSignal(what, limits)
      const read = readChange(core, field, seen, blockingLimit(what, deadline))
      if (until(read.value)) {
        read.recorded?.seen(read)
        return read.value
      }
      seen = read.version
    }
  }

  watch(field: string): IterableIterator<unknown> {
    this.#core.checkField(field)
    return changes(this.#core, field)
  }

  toJSON(): object {
    return this.snapshot()
  }
}

function* changes(core: ObjectCore, field: string): IterableIterator<unknown> {
  let seen = -1
  for (;;) {
    const first = seen === -1
    const read = readChange(core, field, seen)
    seen = read.version
    if (first && read.version === 0) continue
    read.recorded?.seen(read)
    yield read.value
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
  for (const field of core.initialFields) if (reservedNames.has(field)) throw reserved(core, field)
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
    if (reservedNames.has(property)) return undefined
    const { version, value } = readField(this.#core, property)
    if (version === 0) return undefined
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
    throw reserved(this.#core, property)
  }
}

function reserved(core: ObjectCore, property: string | symbol): GoawayError {
  const name = String(property)
  const text = `Cannot use ${name} as a property of ${core}: the handle needs that name; `
  const remedy =
    typeof property === 'symbol'
      ? 'fields are named by strings'
      : `use get('${name}') and set('${name}', value), or another name`
  return new GoawayError('ERR_GOAWAY_FIELD_NAME', text + remedy)
}
