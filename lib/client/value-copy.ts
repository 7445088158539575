/**
 * The slow way of a value: a walk that checks all of it, says where a refused thing is, and makes a
 * copy for V8's structured clone. Each property is read once, so what was checked is what travels.
 *
 * What structured clone would lose is listed beside the copy as repairs. A repair refers to the
 * very object in the copy that it is about: serialized or posted together in one go, the reference
 * holds at the other end as well, and no path is needed.
 */
import { isDeepStrictEqual } from 'node:util'
import * as types from 'node:util/types'
import { valueBytesMax, valueDepthMax } from '../limits.ts'
import { isErrorLike, mapErrorFacts, readErrorFacts } from '../wire/error-record.ts'
import { type CopyRules, goesApart, type ValueCopy } from './copy-rules.ts'
import { heldOf } from './ref-object.ts'
import {
  describeRef,
  describeRefused,
  isHandle,
  type PathStep,
  refuse,
  showPath,
  tagOf,
} from './value-refusal.ts'
import type { ErrorRepair, RefRepair } from './value-repairs.ts'

type TypedArray = Exclude<NodeJS.ArrayBufferView, DataView>
type ViewClass = new (buffer: ArrayBufferLike, start?: number, length?: number) => object

/** What a place in a value takes beside its content: a tag, a length, a reference. */
const slotBytes = 8
/** Up to so many elements, counting keys is cheaper than comparing memory. */
const keysCountedMax = 64

const viewClasses: readonly ViewClass[] = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
]
const viewClassOf = new Map<object, ViewClass>(
  viewClasses.map((viewClass) => [viewClass.prototype as object, viewClass]),
)
viewClassOf.set(Buffer.prototype, Uint8Array)

/** Builtins whose content structured clone keeps exactly, by prototype. */
const leafTests = new Map<object, (value: object) => boolean>([
  [Date.prototype, types.isDate],
  [RegExp.prototype, types.isRegExp],
  [Number.prototype, types.isNumberObject],
  [Boolean.prototype, types.isBooleanObject],
  [BigInt.prototype, types.isBigIntObject],
])

/** Checks the value and copies it. Throws ERR_GOAWAY_VALUE. */
export function copyValue(value: unknown, rules: CopyRules): ValueCopy {
  const copier = new Copier(rules)
  const graph = copier.copy(value)
  return { graph, ...copier.found() }
}

class Copier {
  readonly #rules: CopyRules
  readonly #moved: ReadonlySet<object>
  readonly #copies = new Map<object, unknown>()
  readonly #path: PathStep[] = []
  readonly #bare: object[] = []
  readonly #buffers: Uint8Array[] = []
  readonly #errors: ErrorRepair[] = []
  readonly #refs: RefRepair[] = []
  readonly #contents = new Map<ArrayBuffer, Uint8Array>()
  #freezable = true
  #cloneOnly = false
  #bytes = 0

  constructor(rules: CopyRules) {
    this.#rules = rules
    this.#moved = new Set(rules.asBytes === true ? [] : rules.transfer)
  }

  found(): Omit<ValueCopy, 'graph'> {
    const count = this.#bare.length + this.#buffers.length + this.#errors.length
    const repaired = count + this.#refs.length > 0
    const found = { bare: this.#bare, buffers: this.#buffers, errors: this.#errors }
    const repairs = this.#refs.length === 0 ? found : { ...found, refs: this.#refs }
    return {
      repairs: repaired ? repairs : undefined,
      freezable: this.#freezable,
      cloneOnly: this.#cloneOnly,
      bytes: this.#bytes,
      contents: this.#contents,
    }
  }

  copy(value: unknown): unknown {
    switch (typeof value) {
      case 'object':
        return value === null ? null : this.#copyObject(value)
      case 'function':
      case 'symbol':
        throw this.#refused(...describeRefused(value))
      case 'string':
        this.#count(slotBytes + value.length)
        return value
      case 'bigint':
        this.#count(
          slotBytes + (BigInt.asIntN(64, value) === value ? 0 : value.toString(16).length),
        )
        return value
      default:
        this.#count(slotBytes)
        return value
    }
  }

  #at(step: PathStep, value: unknown): unknown {
    if (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol') {
      return this.copy(value)
    }
    this.#path.push(step)
    const copy = this.copy(value)
    this.#path.pop()
    return copy
  }

  #refused(what: string, remedy: string, cause?: unknown): Error {
    return refuse(this.#rules.where, this.#path, what, remedy, cause)
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes <= valueBytesMax) return
    this.#path.length = 0
    throw this.#refused(`is larger than ${valueBytesMax} bytes`, 'pass it in parts')
  }

  #copyObject(value: object): unknown {
    const known = this.#copies.get(value)
    if (known !== undefined) return known
    if (this.#path.length >= valueDepthMax) {
      this.#path.length = 8
      throw this.#refused(`... is nested deeper than ${valueDepthMax}`, 'pass a flatter value')
    }
    this.#count(slotBytes)
    if (types.isProxy(value)) throw this.#refused(...describeRefused(value))
    if (heldOf(value) !== undefined) return this.#copyRef(value)
    if (isHandle(value)) throw this.#refused(...describeRefused(value))
    if (isErrorLike(value)) return this.#copyError(value)
    const prototype = Object.getPrototypeOf(value) as object | null
    if (prototype === Array.prototype && Array.isArray(value)) return this.#copyArray(value)
    if (prototype === null || prototype === Object.prototype) return this.#copyRecord(value)
    this.#freezable = false
    return this.#copyBuiltin(value, prototype)
  }

  #read(object: object, key: string): unknown {
    try {
      return Reflect.get(object, key)
    } catch (error) {
      this.#path.push(key)
      throw this.#refused('throws when it is read', 'pass its value', error)
    }
  }

  #refuseSymbolKeys(value: object): void {
    for (const symbol of Object.getOwnPropertySymbols(value)) {
      if (!Object.prototype.propertyIsEnumerable.call(value, symbol)) continue
      throw this.#refused(`has the symbol key ${String(symbol)}`, 'use a string as the key')
    }
  }

  #copyArray(value: readonly unknown[]): unknown {
    this.#refuseSymbolKeys(value)
    const copy: unknown[] = []
    this.#copies.set(value, copy)
    let elements: readonly unknown[]
    try {
      elements = Object.values(value)
    } catch (error) {
      throw this.#refused('has an element that throws when it is read', 'pass its value', error)
    }
    const length = value.length
    const isDense =
      elements.length === length && elements.every((_element, index) => index in value)
    if (isDense) {
      for (let index = 0; index < length; index++) copy.push(this.#at(index, elements[index]))
      return copy
    }
    copy.length = length
    for (const key of Object.keys(value)) {
      const step = /^\d+$/.test(key) ? Number(key) : key
      set(copy, key, this.#at(step, this.#read(value, key)))
    }
    return copy
  }

  #copyRecord(value: object): unknown {
    const tag = tagOf(value)
    if (tag !== 'Object' || types.isExternal(value)) {
      throw this.#refused(`is an object of the kind ${tag}`, 'pass a plain object: { ...value }')
    }
    this.#refuseSymbolKeys(value)
    const copy: Record<string, unknown> = {}
    this.#copies.set(value, copy)
    if (Object.getPrototypeOf(value) === null) this.#bare.push(copy)
    for (const key of Object.keys(value)) {
      this.#count(key.length)
      set(copy, key, this.#at(key, this.#read(value, key)))
    }
    return copy
  }

  #copyBuiltin(value: object, prototype: object): unknown {
    if (this.#moved.has(value)) return this.#share(value)
    if (ArrayBuffer.isView(value)) return this.#copyView(value, prototype)
    if (leafTests.get(prototype)?.(value)) {
      this.#refuseNamed(value, 0)
      if (types.isBigIntObject(value)) this.copy(BigInt.prototype.valueOf.call(value))
      if (types.isRegExp(value)) this.#count(value.source.length)
      return this.#remember(value, value)
    }
    if (prototype === String.prototype && types.isStringObject(value)) {
      const { length } = value.valueOf()
      this.#count(length)
      this.#refuseNamed(value, length)
      return this.#remember(value, value)
    }
    if (prototype === Map.prototype && types.isMap(value)) return this.#copyMap(value)
    if (prototype === Set.prototype && types.isSet(value)) return this.#copySet(value)
    if (prototype === ArrayBuffer.prototype && types.isArrayBuffer(value)) {
      this.#refuseNamed(value, 0)
      this.#checkMemory(value)
      this.#count(value.byteLength)
      this.#note(value, new Uint8Array(value))
      return this.#remember(value, value)
    }
    if (types.isSharedArrayBuffer(value)) return this.#shareMemory(value)
    throw this.#refused(...describeRefused(value))
  }

  #remember<T>(value: object, copy: T): T {
    this.#copies.set(value, copy)
    return copy
  }

  /** A ref is known by its number: an object of it is made where that arrives. */
  #copyRef(value: object): object {
    const { baggage } = this.#rules
    const refusal = describeRef(value, baggage !== undefined)
    if (refusal !== undefined) throw this.#refused(...refusal)
    this.#freezable = false
    const ref = heldOf(value)?.core.ref as number
    baggage?.refs.add(ref)
    const target = this.#remember(value, {})
    this.#refs.push({ target, ref })
    return target
  }

  /** What goes along as it is, by the port itself. */
  #share(value: object): object {
    this.#cloneOnly = true
    const { baggage, where } = this.#rules
    if (baggage?.stays === '') baggage.stays = showPath(where, this.#path)
    return this.#remember(value, value)
  }

  #shareMemory(value: object): object {
    if (!this.#rules.stored) return this.#share(value)
    throw this.#refused('is shared memory', 'a stored value is a copy: pass value.slice()')
  }

  /** Structured clone drops properties that were put on a builtin. */
  #refuseNamed(value: object, expected: number): void {
    this.#refuseSymbolKeys(value)
    if (Object.keys(value).length === expected) return
    throw this.#refused('has properties beside its content', 'pass them in an object around it')
  }

  #checkMemory(buffer: ArrayBufferLike): void {
    if (buffer.byteLength > 0) return
    try {
      // The only way on Node 20 to tell a detached buffer from an empty one.
      new Uint8Array(buffer)
    } catch (error) {
      const remedy = 'it was transferred before: pass a copy, or transfer it once'
      throw this.#refused('is a detached ArrayBuffer', remedy, error)
    }
  }

  #copyView(value: ArrayBufferView, prototype: object): unknown {
    const viewClass = viewClassOf.get(prototype)
    const isDataView = prototype === DataView.prototype
    if (viewClass === undefined && !isDataView) throw this.#refused(...describeRefused(value))
    this.#checkMemory(value.buffer)
    this.#count(value.byteLength)
    this.#refuseNamedOfView(value, viewClass)
    const copy = this.#ownMemory(value, viewClass)
    if (prototype === Buffer.prototype) this.#buffers.push(copy as Uint8Array)
    return this.#remember(value, copy)
  }

  /** A view of part of a buffer gets memory of its own, so as not to take the whole along. */
  #ownMemory(value: ArrayBufferView, viewClass: ViewClass | undefined): object {
    const { buffer, byteOffset, byteLength } = value
    if (types.isSharedArrayBuffer(buffer)) {
      this.#shareMemory(buffer)
    } else if (this.#moved.has(buffer)) {
      this.#share(buffer)
    } else if (byteLength < buffer.byteLength) {
      const part = this.#partOf(buffer as ArrayBuffer, byteOffset, byteLength)
      return viewClass === undefined ? new DataView(part) : new viewClass(part)
    } else this.#note(buffer as ArrayBuffer, new Uint8Array(buffer))
    if (!Buffer.isBuffer(value)) return value
    // A view of the same memory: the Buffer class itself does not survive.
    return new Uint8Array(buffer, byteOffset, byteLength)
  }

  #partOf(buffer: ArrayBuffer, from: number, length: number): ArrayBuffer {
    if (!goesApart(length, this.#rules)) {
      return buffer.slice(from, from + length)
    }
    // Stands for the part in the structure; nobody writes into it.
    const part = new ArrayBuffer(length)
    this.#contents.set(part, new Uint8Array(buffer, from, length))
    return part
  }

  /** Remembers a large buffer, so that its content need not go through the serializer. */
  #note(buffer: ArrayBuffer, content: Uint8Array): void {
    if (!goesApart(content.length, this.#rules)) return
    // One that can change its size is the serializer's affair.
    if ((buffer as { resizable?: boolean }).resizable === true) return
    this.#contents.set(buffer, content)
  }

  #refuseNamedOfView(value: ArrayBufferView, viewClass: ViewClass | undefined): void {
    const view = value as TypedArray
    const length = viewClass === undefined ? 0 : view.length
    if (viewClass === undefined || length <= keysCountedMax) {
      this.#refuseNamed(value, length)
      return
    }
    this.#refuseSymbolKeys(value)
    // The keys of a large array are as many strings; comparing it with a bare view of the same
    // memory finds the named ones without making any.
    const bare = Buffer.isBuffer(value)
      ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      : new viewClass(view.buffer, view.byteOffset, length)
    if (isDeepStrictEqual(view, bare)) return
    throw this.#refused('has properties beside its content', 'pass them in an object around it')
  }

  #copyMap(value: ReadonlyMap<unknown, unknown>): unknown {
    this.#refuseNamed(value, 0)
    const copy = this.#remember(value, new Map<unknown, unknown>())
    let index = 0
    for (const [key, item] of Map.prototype.entries.call(value) as Iterable<[unknown, unknown]>) {
      const copiedKey = this.#at({ of: 'key', at: index++ }, key)
      copy.set(copiedKey, this.#at({ of: 'value', at: key }, item))
    }
    return copy
  }

  #copySet(value: ReadonlySet<unknown>): unknown {
    this.#refuseNamed(value, 0)
    const copy = this.#remember(value, new Set<unknown>())
    let index = 0
    for (const item of Set.prototype.values.call(value) as Iterable<unknown>) {
      copy.add(this.#at({ of: 'item', at: index++ }, item))
    }
    return copy
  }

  #copyError(value: object): unknown {
    this.#freezable = false
    this.#refuseSymbolKeys(value)
    const target = this.#remember(value, new Error())
    // The facts have the stack; this one would only take room.
    target.stack = ''
    const facts = mapErrorFacts(readErrorFacts(value), (inner, key) => ({
      value: this.#at(key, inner),
    }))
    this.#count(facts.message.length + (facts.stack?.length ?? 0))
    this.#errors.push({ target, facts })
    return target
  }
}

function set(object: object, key: string, value: unknown): void {
  if (key !== '__proto__') Reflect.set(object, key, value)
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true })
}
