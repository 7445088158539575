/**
 * Releases of locks. A holder does not wait for the answer of a release, so it knows only when it
 * began; who serves the lock records when each was freed, and does so as well for those who never
 * released: whose routine, thread or lease was over.
 */
import type { Entry } from './entry.ts'

/**
 * One release for each lock that was freed.
 *
 * Where nobody knows of an acquire, the freeing is left without an end: it explains something or is
 * of no importance.
 */
export function joinReleases(entries: readonly Entry[]): Entry[] {
  const freed = new Map<string, Entry>()
  const acquired = new Set<string>()
  for (const entry of entries) {
    const { op, out, key } = entry.operation
    if (isFreeing(entry)) freed.set(nameOf(entry), entry)
    else if (op === 'acquire' && out !== undefined) acquired.add(`${out} ${key}`)
  }
  const released = new Set<Entry>()
  const joined: Entry[] = []
  for (const entry of entries) {
    if (isFreeing(entry)) continue
    const freeing = isRelease(entry) ? freed.get(nameOf(entry)) : undefined
    if (freeing === undefined) {
      joined.push(entry)
    } else if (entry.start <= freeing.end) {
      joined.push({ ...entry, end: freeing.end })
      released.add(freeing)
    }
    // Else it was taken away before, and this release came too late to do anything.
  }
  for (const freeing of freed.values()) {
    if (released.has(freeing)) continue
    const isKnown = acquired.has(nameOf(freeing))
    joined.push(isKnown ? freeing : { ...freeing, end: Infinity })
  }
  return joined
}

function isRelease({ recorder, operation }: Entry): boolean {
  return recorder !== '' && operation.op === 'release'
}

/** Written by who serves the lock: it has an end. */
function isFreeing(entry: Entry): boolean {
  return isRelease(entry) && entry.end !== Infinity
}

function nameOf({ operation }: Entry): string {
  return `${operation.arg} ${operation.key}`
}
