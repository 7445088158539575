/**
 * Objects whose fields are properties (`s.x`, `s.x += 1`): a proxy before the methods that block.
 */
import { inspect } from 'node:util'
import { GoawayError } from '../errors.ts'
import { handleMark, type ObjectCore } from './object-core.ts'
import { type BlockingMethods, readField, type SyncMethods } from './object-sync.ts'

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

/**
 * Initial values none of which has a reserved name; `More` are those of the methods that only this
 * model has.
 */
export type InitialFields<
  T extends object,
  More extends PropertyKey = never,
> = string extends keyof T
  ? T & { readonly [Name in Exclude<ReservedName | More, InheritedName>]?: never }
  : Extract<keyof T, ReservedName | More> extends never
    ? T
    : T & { readonly [Name in Extract<keyof T, ReservedName | More>]: never }

/** The methods of a handle by name, and what else is no field when used as a property. */
interface Names {
  readonly methods: readonly string[]
  readonly reserved: ReadonlySet<string>
}

/** By prototype: there is one for each kind of handle. */
const namesOf = new Map<object, Names>()

function namesFor(methods: BlockingMethods): Names {
  const prototype = Object.getPrototypeOf(methods) as object
  let names = namesOf.get(prototype)
  if (names === undefined) {
    const found = new Set<string>()
    let at = prototype
    while (at !== Object.prototype) {
      for (const name of Object.getOwnPropertyNames(at)) found.add(name)
      at = Object.getPrototypeOf(at) as object
    }
    found.delete('constructor')
    const inherited = Object.getOwnPropertyNames(Object.prototype)
    names = { methods: [...found], reserved: new Set(['then', ...found, ...inherited]) }
    namesOf.set(prototype, names)
  }
  return names
}

/** Makes the object whose properties are the fields. */
export function syncObject(core: ObjectCore, methods: BlockingMethods): object {
  const names = namesFor(methods)
  for (const field of core.initialFields) {
    if (names.reserved.has(field)) throw reserved(core, field)
  }
  const bound = new Map<string, unknown>()
  for (const name of names.methods) {
    const method = Reflect.get(methods, name) as (...args: unknown[]) => unknown
    bound.set(name, method.bind(methods))
  }
  const target = {
    [handleMark]: true,
    [inspect.custom]: () => core.toString(),
    [Symbol.toStringTag]: core.model,
  }
  return new Proxy(target, new FieldTraps(core, methods, bound, names.reserved))
}

class FieldTraps implements ProxyHandler<object> {
  readonly #core: ObjectCore
  readonly #methods: BlockingMethods
  readonly #bound: ReadonlyMap<string, unknown>
  readonly #reserved: ReadonlySet<string>

  constructor(
    core: ObjectCore,
    methods: BlockingMethods,
    bound: ReadonlyMap<string, unknown>,
    reservedNames: ReadonlySet<string>,
  ) {
    this.#core = core
    this.#methods = methods
    this.#bound = bound
    this.#reserved = reservedNames
  }

  get(target: object, property: string | symbol): unknown {
    if (typeof property === 'symbol') return Reflect.get(target, property)
    const read = this.#core.quick(property)
    // The usual case. What it is read from knows that the name is none of ours.
    if (read?.isProperty === true) return read.value
    if (!this.#reserved.has(property)) {
      if (read === undefined) return this.#methods.get(property)
      read.isProperty = true
      return read.value
    }
    // `then` is no field, so that a handle can be returned from an async function.
    return this.#bound.get(property) ?? Reflect.get(target, property)
  }

  set(_target: object, property: string | symbol, value: unknown): boolean {
    this.#methods.set(this.#checkField(property), value)
    return true
  }

  has(target: object, property: string | symbol): boolean {
    if (typeof property === 'symbol') return Reflect.has(target, property)
    return this.#reserved.has(property) || this.#methods.has(property)
  }

  deleteProperty(_target: object, property: string | symbol): boolean {
    this.#methods.delete(this.#checkField(property))
    return true
  }

  ownKeys(): string[] {
    return this.#methods.keys().filter((field) => !this.#reserved.has(field))
  }

  getOwnPropertyDescriptor(
    target: object,
    property: string | symbol,
  ): PropertyDescriptor | undefined {
    if (typeof property === 'symbol') return Reflect.getOwnPropertyDescriptor(target, property)
    if (this.#reserved.has(property)) return undefined
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
    if (typeof property === 'string' && !this.#reserved.has(property)) return property
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
