/**
 * What is said about a value that may not travel: where it is, what it is, what to do instead.
 * Reading an unknown thing must not fail, whatever its traps and getters do.
 */
import { isAsyncFunction, isGeneratorObject, isPromise, isProxy } from 'node:util/types'
import { GoawayError } from '../errors.ts'
import { refsOfThread } from './clustered.ts'
import { heldOf } from './ref-object.ts'

/** A step from a value to what is in it. */
export type PathStep = number | string | { readonly of: 'key' | 'value' | 'item'; at: unknown }

const handleBrand = Symbol.for('goaway.handle')
const supported = /^(Map|Set|Date|RegExp|Number|String|Boolean|BigInt|\w*Array|ArrayBuffer)$/
const identifier = /^[A-Za-z_$][\w$]*$/

/** Refuses the value at the end of the path. */
export function refuse(
  where: string,
  path: readonly PathStep[],
  what: string,
  remedy: string,
  cause?: unknown,
): GoawayError {
  const message = `${showPath(where, path)} ${what}; ${remedy}`
  return new GoawayError('ERR_GOAWAY_VALUE', message, { cause })
}

/** `argument` and a first step of 1 read `argument 2`, as people count arguments. */
export function showPath(where: string, path: readonly PathStep[]): string {
  let shown = where
  path.forEach((step, index) => {
    if (index === 0 && where === 'argument' && typeof step === 'number') shown += ` ${step + 1}`
    else shown += showStep(step)
  })
  return shown
}

function showStep(step: PathStep): string {
  if (typeof step === 'number') return `[${step}]`
  if (typeof step === 'string') {
    return identifier.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
  }
  const { of, at } = step
  if (of === 'key') return `.keys()[${String(at)}]`
  if (of === 'item') return `.values()[${String(at)}]`
  const shown = typeof at === 'object' && at !== null ? 'an object' : JSON.stringify(String(at))
  return `.get(${shown})`
}

/** Whether it is one of goaway's own objects, which belong to their thread. */
export function isHandle(value: object): boolean {
  try {
    return Boolean(Reflect.get(value, handleBrand))
  } catch {
    return false
  }
}

/** Why a ref may not be passed, if so. `tracked`: who carries the value knows of its refs. */
export function describeRef(value: object, tracked: boolean): [string, string] | undefined {
  if (!tracked) {
    const remedy = 'nobody would know how long it is wanted: pass it as an argument or a result'
    return ['is a Ref', `${remedy}, or keep the value itself`]
  }
  const held = heldOf(value)
  if (held?.released === true) return ['is a Ref that was released', 'release it when all is done']
  if (held?.core.home === refsOfThread()) return undefined
  return ['is a Ref from before shutdown()', 'put the value again']
}

/** What it is and what to do, for anything that is neither plain data nor a supported builtin. */
export function describeRefused(value: unknown): [what: string, remedy: string] {
  if (typeof value === 'symbol') {
    return ['is a symbol', 'a symbol is known only to its thread: pass a string']
  }
  if ((typeof value === 'function' || typeof value === 'object') && value !== null) {
    if (isHandle(value)) {
      return [
        'is a goaway handle',
        'pass its name and make the handle where it is used, or import it from a module',
      ]
    }
  }
  if (typeof value === 'function') {
    const name = isAsyncFunction(value) ? 'an async function' : 'a function'
    return [`is ${name}`, 'functions stay in their thread: pass data, or name an exported function']
  }
  return describeObject(value as object)
}

function describeObject(value: object): [string, string] {
  if (isProxy(value)) return ['is a Proxy', 'pass a plain copy of it, such as { ...value }']
  if (isPromise(value)) return ['is a promise', 'await it first and pass what it resolves to']
  if (isGeneratorObject(value)) return ['is a generator', 'pass its values, such as [...value]']
  const tag = tagOf(value)
  if (/^Weak(Map|Set|Ref)$/.test(tag)) {
    return [`is a ${tag}`, 'what it refers to is known only to its thread: pass plain data']
  }
  if (value instanceof MessagePort) {
    return ['is a MessagePort', 'ports move: list it in the option `transfer` of the call']
  }
  if (value instanceof URL) return ['is a URL', 'pass its text: value.href']
  if (/Iterator$/.test(tag)) return ['is an iterator', 'pass its values, such as [...value]']
  const what = `is an instance of ${classNameOf(value) ?? tag}`
  if (Array.isArray(value)) return [what, 'its class would be lost: pass [...value]']
  if (supported.test(tag)) {
    return [what, `its class would be lost: pass an instance of ${tag} itself`]
  }
  return [what, 'its class would be lost: pass a plain object such as { ...value }']
}

/** What `Object.prototype.toString` calls it: `Map`, `Module`, `Object`. */
export function tagOf(value: object): string {
  try {
    return Object.prototype.toString.call(value).slice(8, -1)
  } catch {
    return 'unknown kind'
  }
}

/** The name of a class of the user; a plain object's only where it comes from another realm. */
function classNameOf(value: object): string | undefined {
  try {
    const made = Reflect.get(value, 'constructor') as { name?: unknown } | undefined
    if (typeof made?.name !== 'string' || made.name === '') return undefined
    if (made === Object) return undefined
    const isForeign = /^(Object|Array)$/.test(made.name)
    return isForeign ? `${made.name} (of another realm)` : made.name
  } catch {
    return undefined
  }
}
