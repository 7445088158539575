/**
 * Operations as the searches see them: values as numbers, kinds by what they do to a state. What
 * the words of the format mean (a cas that answered false, no answer at all) is settled here, once.
 */
import type { HistoryOperation, Json } from '../history/format.ts'
import { absent, type ValueNumbers } from './value-numbers.ts'

/** An operation and where it stands in its file. */
export interface Entry {
  readonly operation: HistoryOperation
  /** From 1. */
  readonly line: number
}

/**
 * `swap` is a cas that took place, `miss` one that answered false. `release` may be one by the
 * system: see {@link Act.isSystem}.
 */
export type ActKind = 'acquire' | 'add' | 'miss' | 'read' | 'release' | 'remove' | 'swap' | 'write'

export interface Act {
  readonly entry: Entry
  readonly kind: ActKind
  readonly client: number
  readonly start: number
  /** Infinity if no answer was seen: it takes effect at any time after its start, or never. */
  readonly end: number
  /** What is there afterwards, or was read; {@link unknownValue} if the history does not say. */
  readonly value: number
  /** What has to be there before (`swap`, `add` if it is known), or must not be (`miss`). */
  readonly expected: number
  readonly delta: number
  /** Of a `remove`: whether there was something; undefined if the history does not say. */
  readonly wasThere: boolean | undefined
  /** Of locks: whose tenure begins or ends. */
  readonly tenure: string
  /** Of a `release` of no client: the end of a lease, or of a process that held a lock. */
  readonly isSystem: boolean
}

export const unknownValue = -1

const nothing = {
  value: unknownValue,
  expected: unknownValue,
  delta: 0,
  wasThere: undefined,
  tenure: '',
  isSystem: false,
}

/** The act of an operation on a field; undefined if it can have had no effect that counts. */
export function actOf(entry: Entry, values: ValueNumbers): Act | undefined {
  const { operation } = entry
  const isOpen = operation.end < 0
  const { client, start, arg = null, exp = null, out } = operation
  const base = {
    ...nothing,
    entry,
    client,
    start,
    end: isOpen ? Number.POSITIVE_INFINITY : operation.end,
  }
  switch (operation.op) {
    case 'read':
      return isOpen ? undefined : { ...base, kind: 'read', value: values.of(out ?? null) }
    case 'write':
      return { ...base, kind: 'write', value: values.of(arg) }
    case 'cas': {
      const expected = values.of(exp)
      if (!operation.ok) return { ...base, kind: 'miss', expected }
      return { ...base, kind: 'swap', expected, value: values.of(arg) }
    }
    case 'add': {
      const delta = Number(arg)
      if (out === undefined || isOpen) return { ...base, kind: 'add', delta }
      return {
        ...base,
        kind: 'add',
        delta,
        value: values.of(out),
        ...foundByAdd(out, delta, values),
      }
    }
    case 'delete': {
      const wasThere = typeof out === 'boolean' && !isOpen ? out : undefined
      return { ...base, kind: 'remove', value: values.of(null), wasThere }
    }
    default:
      return undefined
  }
}

/** What an add has found, where only one number gives that sum: 0 and absent both do. */
function foundByAdd(
  out: Json,
  delta: number,
  values: ValueNumbers,
): Pick<Act, 'expected'> | object {
  const found = Number(out) - delta
  const isSure = found !== 0 && [found, delta, out].every(Number.isSafeInteger)
  return isSure ? { expected: values.of(found) } : {}
}

export function isOpenAct(act: Act): boolean {
  return act.end === Number.POSITIVE_INFINITY
}

/** What it has certainly found, if the history says so. */
export function foundBy(act: Act): number | undefined {
  if (act.kind === 'read') return act.value
  if (isOpenAct(act)) return undefined
  if (act.kind === 'swap') return act.expected
  if (act.kind === 'add' && act.expected !== unknownValue) return act.expected
  return act.wasThere === false ? absent : undefined
}

/** It writes a value that the history tells. */
export function leavesKnown(act: Act): boolean {
  const { kind, value } = act
  const isWrite = kind === 'write' || kind === 'swap' || kind === 'add' || kind === 'remove'
  return isWrite && value !== unknownValue
}

/** It changes nothing, wherever it can stand. */
export function isPure(act: Act): boolean {
  return act.kind === 'read' || act.kind === 'miss' || act.wasThere === false
}

/** It does not look at what was there. */
export function isBlind(act: Act): boolean {
  return act.kind === 'write' || (act.kind === 'remove' && act.wasThere === undefined)
}

/**
 * Whether an act can tell that this value is what it found. With `unknownValue`: some value.
 */
export function mayFind(act: Act, value: number, values: ValueNumbers): boolean {
  if (isBlind(act)) return false
  if (value === unknownValue) return true
  switch (act.kind) {
    case 'read':
      return act.value === value
    case 'swap':
      return act.expected === value
    case 'miss':
      return act.expected !== value
    case 'add':
      return act.value === unknownValue || values.isSum(value, act.delta, act.value)
    case 'remove':
      return act.wasThere === (value !== absent)
    default:
      return true
  }
}
