/**
 * How a function is named between threads. No function ever travels as text: a thread imports the
 * module and takes the export.
 */
import { types } from 'node:util'
import type { FunctionAddress } from '../wire/messages.ts'

/** Any function that a program may hand to `goaway`. */
export type RoutineFunction = (...args: unknown[]) => unknown

/** What calling the function gives: a value or promise, or an iterator of either sort. */
export type FunctionKind = 'function' | 'generator' | 'async-generator'

export type { FunctionAddress }

/** Where a function was found. */
export interface AddressPlace {
  readonly module: string
  readonly exportName?: string | undefined
  readonly line: number
  readonly column: number
  /** '' where the text is not the one that others have. @default that of the function */
  readonly fingerprint?: string
}

export function makeAddress(fn: RoutineFunction, at: AddressPlace): FunctionAddress {
  const { module, exportName, line, column, fingerprint = fingerprintOf(fn) } = at
  const name = nameOf(fn)
  return {
    key: `${module}#${exportName ?? ''}#${name}#${line}:${column}#${fingerprint}`,
    module,
    name,
    ...(exportName === undefined ? {} : { exportName }),
    line,
    column,
    fingerprint,
    kind: kindOf(fn),
  }
}

/** What tells a function over items from the function itself. */
const itemsMark = '#items'

/** The address of the function as it is called for each of a list of items. */
export function overItems(address: FunctionAddress): FunctionAddress {
  return { ...address, key: address.key + itemsMark, items: true }
}

/** The address of the function itself. */
export function ofOneItem({ items: _, ...address }: FunctionAddress): FunctionAddress {
  return { ...address, key: address.key.slice(0, -itemsMark.length) }
}

/** The name, even where the program has put something else in its place. */
export function nameOf(fn: RoutineFunction): string {
  return typeof fn.name === 'string' ? fn.name : ''
}

/** The text of the function, whatever `toString` the program has given it. */
export function textOf(fn: RoutineFunction): string {
  return Function.prototype.toString.call(fn)
}

/**
 * A cheap hash of the function's text (cyrb53: 53 bits) and its length: it guards against mistakes,
 * such as a module that was edited while the program ran, not against malice.
 */
export function fingerprintOf(fn: RoutineFunction): string {
  const text = textOf(fn)
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    high = Math.imul(high ^ unit, 2654435761)
    low = Math.imul(low ^ unit, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  const hash = 4294967296 * (2097151 & low) + (high >>> 0)
  return `${hash.toString(36)}-${text.length.toString(36)}`
}

function kindOf(fn: RoutineFunction): FunctionKind {
  if (!types.isGeneratorFunction(fn)) return 'function'
  return types.isAsyncFunction(fn) ? 'async-generator' : 'generator'
}
