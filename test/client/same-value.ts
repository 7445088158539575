/** Compares a value with what arrived of it elsewhere. */
import { isDeepStrictEqual, types } from 'node:util'

/** Which objects are the same one, in the order of a walk. */
function sharing(value: unknown): number[] {
  const numbers = new Map<object, number>()
  const found: number[] = []
  const walk = (inner: unknown): void => {
    if (typeof inner !== 'object' || inner === null) return
    const known = numbers.get(inner)
    found.push(known ?? numbers.size)
    if (known !== undefined) return
    numbers.set(inner, numbers.size)
    if (inner instanceof Map) for (const pair of inner) pair.forEach(walk)
    else if (inner instanceof Set) inner.forEach(walk)
    else if (types.isNativeError(inner)) walk(inner.cause)
    if (!ArrayBuffer.isView(inner)) Object.values(inner).forEach(walk)
  }
  walk(value)
  return found
}

/** Whether a value arrived as it was given, with the same objects shared in it. */
export function isSame(given: unknown, arrived: unknown): boolean {
  if (types.isDate(given) && Number.isNaN(given.getTime())) {
    return types.isDate(arrived) && Number.isNaN(arrived.getTime())
  }
  try {
    return isDeepStrictEqual(given, arrived) && isDeepStrictEqual(sharing(given), sharing(arrived))
  } catch (error) {
    // The comparison of Node 24 needs more stack than there is for the deepest value.
    if (!(error instanceof RangeError)) throw error
    return JSON.stringify(given) === JSON.stringify(arrived)
  }
}
