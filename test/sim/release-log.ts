/**
 * What is known of the log of releases by what clients were told: which entry wrote what, and who
 * has seen how much of it. All values that are written are different.
 */
import type { FieldState } from '../../lib/wire/messages.ts'

export type Write = readonly [field: string, value: number] | readonly [field: string]

/** What the writer had seen under its lock. */
export interface Seen {
  readonly read: ReadonlyMap<string, FieldState>
  /** Its lock was granted after the answer to the release of this number. */
  readonly least: number
}

class Release {
  readonly number: number
  readonly object: string
  readonly writes: readonly Write[]
  readonly seen: Seen
  /** Undefined: not known. */
  gseq: number | undefined
  answeredAt = Infinity
  isRefused = false

  constructor(number: number, object: string, writes: readonly Write[], seen: Seen) {
    this.number = number
    this.object = object
    this.writes = writes
    this.seen = seen
  }

  answered(gseq: number, at: number): void {
    this.answeredAt = at
    // What writes nothing has no entry, but for those that all acknowledge.
    if (this.writes.length > 0) this.gseq = gseq
  }

  refused(): void {
    this.isRefused = true
  }
}

interface Sight {
  readonly number: number
  readonly object: string
  readonly shown: readonly (readonly [field: string, state: FieldState])[]
}

export class ReleaseLog {
  readonly #releases: Release[] = []
  /** What each client saw and released, in its order. */
  readonly #acts: (Sight | Release)[] = []

  open(number: number, object: string, writes: readonly Write[], seen: Seen): Release {
    const release = new Release(number, object, writes, seen)
    this.#releases.push(release)
    this.#acts.push(release)
    return release
  }

  saw(
    number: number,
    object: string,
    shown: readonly (readonly [field: string, state: FieldState])[],
  ): void {
    this.#acts.push({ number, object, shown })
  }

  /** The last entry of the object whose release was answered before that moment. */
  releasedBefore(object: string, moment: number): number {
    let last = 0
    for (const release of this.#releases) {
      if (release.object !== object || release.answeredAt >= moment) continue
      last = Math.max(last, release.gseq ?? 0)
    }
    return last
  }

  problems(): string[] {
    const found: string[] = []
    this.#number(found)
    this.#checkSections(found)
    this.#checkSights(found)
    return found
  }

  /** Finds the entries of releases whose answer nobody got, and looks whether all have one. */
  #number(found: string[]): void {
    const writers = new Map<number, Release>()
    for (const release of this.#releases) {
      for (const [, value] of release.writes) if (value !== undefined) writers.set(value, release)
    }
    for (const act of this.#acts) {
      if (act instanceof Release) continue
      for (const [field, [version, value]] of act.shown) {
        if (version === 0) continue
        const writer = writers.get(value as number)
        if (writer === undefined || writer.isRefused) {
          found.push(`${act.object}.${field} is ${value}, which nobody has released`)
          continue
        }
        writer.gseq ??= version
        if (writer.gseq === version) continue
        found.push(`${act.object}.${field} is ${value}, of ${version} and of ${writer.gseq}`)
      }
    }
    const numbers = this.#releases.flatMap(({ gseq }) => gseq ?? [])
    if (new Set(numbers).size < numbers.length) found.push('two releases are one entry of the log')
  }

  /** Where the field is written, in the order of the log; undefined: it is deleted. */
  #writesOf(object: string, field: string): { gseq: number; value: number | undefined }[] {
    const writes = this.#releases.flatMap((release) => {
      const { gseq } = release
      if (release.object !== object || gseq === undefined) return []
      const last = release.writes.findLast(([name]) => name === field)
      return last === undefined ? [] : [{ gseq, value: last[1] }]
    })
    return writes.sort((a, b) => a.gseq - b.gseq)
  }

  /** A deletion whose place in the log is not known. */
  #isUncertain(object: string, field: string): boolean {
    return this.#releases.some(
      (release) =>
        release.gseq === undefined &&
        !release.isRefused &&
        release.object === object &&
        release.writes.some((write) => write[0] === field && write.length === 1),
    )
  }

  /** Whoever has the lock reads what the one before has left. */
  #checkSections(found: string[]): void {
    for (const { object, gseq, seen } of this.#releases) {
      for (const [field, [version]] of seen.read) {
        if (this.#isUncertain(object, field)) continue
        const writes = this.#writesOf(object, field)
        const before = writes.filter((write) => write.gseq < (gseq ?? Infinity))
        const last = before.at(-1)
        const expected = last?.value === undefined ? 0 : last.gseq
        if (gseq !== undefined && version !== expected) {
          found.push(
            `entry ${gseq} was written after reading ${object}.${field} of ${version}, ` +
              `and the one before is ${expected}`,
          )
        }
        const since = writes.findLast((write) => write.gseq <= seen.least)
        if (since?.value === undefined || version >= since.gseq || version === 0) continue
        found.push(`under the lock ${object}.${field} is of ${version}, released was ${since.gseq}`)
      }
    }
  }

  /** Without a lock each client sees a part of the log from its beginning, and ever more of it. */
  #checkSights(found: string[]): void {
    const prefixes = new Map<number, number>()
    for (const act of this.#acts) {
      const least = prefixes.get(act.number) ?? 0
      if (act instanceof Release) {
        const own = act.answeredAt < Infinity ? (act.gseq ?? 0) : 0
        prefixes.set(act.number, Math.max(least, own))
        continue
      }
      const prefix = this.#prefixOf(act, least)
      if (prefix !== undefined) prefixes.set(act.number, prefix)
      else {
        const what = JSON.stringify(act.shown)
        found.push(`client ${act.number} had seen entry ${least}, then in ${act.object} ${what}`)
      }
    }
  }

  /** The shortest one, from `least` on, that shows this. */
  #prefixOf({ object, shown }: Sight, least: number): number | undefined {
    let prefix = least
    for (let before = -1; before !== prefix; ) {
      before = prefix
      for (const [field, [version]] of shown) {
        if (this.#isUncertain(object, field)) continue
        const writes = this.#writesOf(object, field)
        const fits = (at: number): boolean => {
          const last = writes.findLast((write) => write.gseq <= at)
          return (last?.value === undefined ? 0 : last.gseq) === version
        }
        if (fits(prefix)) continue
        const next = writes.find(({ gseq }) => gseq > prefix && fits(gseq))
        if (next === undefined) return undefined
        prefix = next.gseq
      }
    }
    return prefix
  }
}
