/**
 * Errors as plain data. Structured clone and msgpack both lose an error's class, code and own
 * properties, so an error crosses as a record and is built anew where it arrives.
 *
 * Rules: reading an error never fails, whatever its getters do; what cannot be carried is left out.
 * The errors of one record lie in a table and name each other by index, so that causes may form a
 * cycle and a shared cause stays shared.
 */
import { brandError, GoawayError, type GoawayErrorDetails } from '../errors.ts'
import { errorCauseDepthMax } from '../limits.ts'

/** What the codec of the caller makes of a value; opaque here. */
export type EncodedProperty = unknown

/** A value on its way: another error of the same record, or what `encode` returned. */
export type Carried = { readonly error: number } | { readonly value: EncodedProperty }

/** All that is kept of one error, each value in the form `V`. */
export interface ErrorFacts<V> {
  /** The nearest builtin class, or `GoawayError`. */
  readonly className: string
  readonly name: string
  readonly message: string
  readonly stack?: string
  readonly code?: string
  /** It was a GoawayError where it was read. */
  readonly branded: boolean
  /** Own enumerable properties in their order; may include `name`, `message` and `code`. */
  readonly own: readonly (readonly [string, V])[]
  /** Those of `stack`, `cause` and `errors` that are enumerable; by themselves they are not. */
  readonly shown: readonly string[]
  readonly cause?: V
  /** Of an AggregateError. */
  readonly errors?: V
}

/** An error as plain data: structured clone and msgpack carry it as it is. */
export interface ErrorRecord {
  /** The first is the error itself, the others what it refers to. */
  readonly errors: readonly ErrorFacts<Carried>[]
  /** Lists of AggregateErrors, by index: `Carried` of `errors` holds the index as its value. */
  readonly lists: readonly (readonly Carried[])[]
}

const classes = new Map<string, object>([
  ['Error', Error.prototype],
  ['TypeError', TypeError.prototype],
  ['RangeError', RangeError.prototype],
  ['SyntaxError', SyntaxError.prototype],
  ['ReferenceError', ReferenceError.prototype],
  ['URIError', URIError.prototype],
  ['EvalError', EvalError.prototype],
  ['AggregateError', AggregateError.prototype],
  ['GoawayError', GoawayError.prototype],
])
const names = new Map([...classes].map(([name, prototype]) => [prototype, name]))
/** Carried by fields of their own, never as properties. */
const apart: ReadonlySet<string> = new Set(['stack', 'cause', 'errors'])
const shownCharactersMax = 200

/** Makes a record of whatever was thrown. `encode` throws for what cannot be carried. */
export function toErrorRecord(
  thrown: unknown,
  encode: (value: unknown) => EncodedProperty,
): ErrorRecord {
  const top = isErrorLike(thrown) ? thrown : wrapNonError(thrown)
  const indexes = new Map<object, number>([[top, 0]])
  const found: { error: object; depth: number }[] = [{ error: top, depth: 0 }]
  const errors: ErrorFacts<Carried>[] = []
  const lists: Carried[][] = []
  // `found` grows while it is walked: breadth first, so that the bound counts from the top.
  for (const { error, depth } of found) {
    const carry = (value: unknown): Carried | undefined => {
      if (!isErrorLike(value)) return attempt(() => ({ value: encode(value) }))
      const known = indexes.get(value)
      if (known !== undefined) return { error: known }
      if (depth === errorCauseDepthMax) return undefined
      const index = found.push({ error: value, depth: depth + 1 }) - 1
      indexes.set(value, index)
      return { error: index }
    }
    const facts = readErrorFacts(error)
    const { errors: inner, ...rest } = facts
    const carried = mapErrorFacts(rest, carry)
    if (!Array.isArray(inner)) errors.push(carried)
    else {
      const list = inner.map(carry).filter((item) => item !== undefined)
      errors.push({ ...carried, errors: { value: lists.push(list) - 1 } })
    }
  }
  return { errors, lists }
}

/**
 * Builds the error of a record. The result is a GoawayError by brand; its class is its own.
 *
 * @param details set on the error itself unless it has own properties of these names
 */
export function fromErrorRecord(
  record: ErrorRecord,
  decode: (encoded: EncodedProperty) => unknown,
  details: GoawayErrorDetails = {},
): GoawayError {
  const targets = record.errors.map(makeTarget)
  const resolve = (carried: Carried): unknown =>
    'error' in carried ? targets[carried.error] : decode(carried.value)
  const resolveList = (carried: Carried): unknown => {
    const list = 'value' in carried ? record.lists[carried.value as number] : undefined
    return (list ?? []).map(resolve)
  }
  record.errors.forEach((facts, index) => {
    const target = targets[index]
    if (target === undefined) return
    const { errors, ...rest } = facts
    restoreError(target, rest, resolve)
    if (errors === undefined) return
    define(target, 'errors', resolveList(errors), facts.shown.includes('errors'))
  })
  const top = targets[0] ?? new Error('an error was lost on its way')
  if (!Object.hasOwn(top, 'code')) define(top, 'code', 'ERR_GOAWAY_ROUTINE', true)
  for (const [key, value] of Object.entries(details)) {
    if (value !== undefined && !Object.hasOwn(top, key)) define(top, key, value, key !== 'cause')
  }
  return brandError(top) as GoawayError
}

/** Whether it is an error of this realm, of another one, or a DOMException. Never throws. */
export function isErrorLike(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  return (
    attempt(() => {
      if (value instanceof Error) return true
      const tag = Object.prototype.toString.call(value)
      return tag === '[object Error]' || tag === '[object DOMException]'
    }) ?? false
  )
}

/** Reads an error as it is now, each property once. Never throws. */
export function readErrorFacts(error: object): ErrorFacts<unknown> {
  const read = (key: string): unknown => attempt(() => Reflect.get(error, key))
  const has = (key: string): boolean => attempt(() => Object.hasOwn(error, key)) ?? false
  const className = classNameOf(error)
  const own: [string, unknown][] = []
  const shown: string[] = []
  for (const key of attempt(() => Object.keys(error)) ?? []) {
    if (apart.has(key)) {
      shown.push(key)
      continue
    }
    const got = attempt(() => ({ value: Reflect.get(error, key) as unknown }))
    if (got !== undefined) own.push([key, got.value])
  }
  const stack = read('stack')
  const code = read('code')
  const errors = read('errors')
  return {
    className,
    name: nameOf(error, className, read('name')),
    message: textOf(read('message')),
    branded: attempt(() => error instanceof GoawayError) ?? false,
    own,
    shown,
    ...(typeof stack === 'string' ? { stack } : {}),
    // A class may give the code by a getter; DOMException's own is a number without meaning here.
    ...(typeof code === 'string' ? { code } : {}),
    ...(has('cause') ? { cause: read('cause') } : {}),
    ...(Array.isArray(errors) && has('errors') ? { errors } : {}),
  }
}

/** The same facts with each value as `carry` returns it; without those it returns undefined for. */
export function mapErrorFacts<V, W>(
  facts: ErrorFacts<V>,
  carry: (value: V, key: string) => W | undefined,
): ErrorFacts<W> {
  const { own, cause: _cause, errors: _errors, ...rest } = facts
  const mapped: [string, W][] = []
  for (const [key, value] of own) {
    const carried = carry(value, key)
    if (carried !== undefined) mapped.push([key, carried])
  }
  const cause = 'cause' in facts ? carry(facts.cause as V, 'cause') : undefined
  const errors = 'errors' in facts ? carry(facts.errors as V, 'errors') : undefined
  return {
    ...rest,
    own: mapped,
    ...(cause === undefined ? {} : { cause }),
    ...(errors === undefined ? {} : { errors }),
  }
}

/** Makes the given error the one that the facts tell of. */
export function restoreError<V>(
  target: object,
  facts: ErrorFacts<V>,
  resolve: (carried: V) => unknown,
): void {
  const prototype = classes.get(facts.className)
  if (prototype !== undefined) Object.setPrototypeOf(target, prototype)
  const set = (key: string, carried: V, enumerable = facts.shown.includes(key)): void => {
    const resolved = attempt(() => ({ value: resolve(carried) }))
    if (resolved !== undefined) define(target, key, resolved.value, enumerable)
  }
  define(target, 'message', facts.message, false)
  if (facts.stack !== undefined) {
    define(target, 'stack', facts.stack, facts.shown.includes('stack'))
  }
  if (Reflect.get(target, 'name') !== facts.name) define(target, 'name', facts.name, false)
  if (facts.code !== undefined) define(target, 'code', facts.code, true)
  for (const [key, carried] of facts.own) set(key, carried, true)
  if ('cause' in facts) set('cause', facts.cause as V)
  if ('errors' in facts) set('errors', facts.errors as V)
  if (facts.branded) brandError(target)
}

function makeTarget(facts: ErrorFacts<Carried>): Error {
  if (facts.className !== 'DOMException') return new Error(facts.message)
  return new DOMException(facts.message, facts.name)
}

function define(target: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(target, key, { value, enumerable, writable: true, configurable: true })
}

function classNameOf(error: object): string {
  if (attempt(() => error instanceof DOMException)) return 'DOMException'
  let foreign: string | undefined
  let prototype = attempt(() => Object.getPrototypeOf(error) as object | null) ?? null
  while (prototype !== null) {
    const known = names.get(prototype)
    if (known !== undefined) return known
    const at: object = prototype
    // A class of another realm is told by the name on its prototype.
    const name = attempt(() => Object.getOwnPropertyDescriptor(at, 'name')?.value as unknown)
    if (foreign === undefined && typeof name === 'string' && classes.has(name)) foreign = name
    prototype = attempt(() => Object.getPrototypeOf(at) as object | null) ?? null
  }
  return foreign ?? 'Error'
}

/** The name it shows; that of its class where the class never set one. */
function nameOf(error: object, className: string, shown: unknown): string {
  const name = typeof shown === 'string' ? shown : className
  if (name !== className || className === 'DOMException') return name
  const made = attempt(() => (Reflect.get(error, 'constructor') as { name?: unknown }).name)
  return typeof made === 'string' && made !== '' ? made : name
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined ? '' : (attempt(() => String(value)) ?? '')
}

function wrapNonError(thrown: unknown): object {
  const message = `the routine threw ${show(thrown)}, which is not an Error`
  const error = new GoawayError('ERR_GOAWAY_ROUTINE', message, { cause: thrown })
  // The stack would be that of this room, which tells nobody anything.
  error.stack = `GoawayError: ${message}`
  return error
}

function show(value: unknown): string {
  const text = attempt(() => {
    if (typeof value === 'bigint') return `${value}n`
    if (typeof value === 'function') return `the function ${value.name || '(anonymous)'}`
    if (typeof value !== 'string' && typeof value !== 'object') return String(value)
    return JSON.stringify(value)
  })
  const whole = text ?? attempt(() => Object.prototype.toString.call(value)) ?? 'an object'
  return whole.length > shownCharactersMax ? `${whole.slice(0, shownCharactersMax)}...` : whole
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
