/**
 * From an illegal set of acts to one from which none can be left out.
 *
 * Rule 1: leaving out must prove something: if the rest is illegal, so is the whole. An act that
 * changes nothing may always go. One that writes may go only when nothing that stays can have found
 * what it wrote, or else the rest would be illegal for want of it. So each candidate is completed
 * first, by what its own acts may have found (`complete`).
 * Rule 2: what a check does not know counts as legal.
 */
import type { Act } from './act.ts'

export interface ShrinkOptions {
  readonly isIllegal: (acts: readonly Act[]) => boolean
  /** What has to stay, of `pool`, if `kept` stays; at least `kept`. */
  readonly complete: (kept: readonly Act[], pool: readonly Act[]) => readonly Act[]
}

/** Acts come in order of their start, and go so. */
export function shrink(acts: readonly Act[], options: ShrinkOptions): readonly Act[] {
  let window = firstIllegal(acts, options)
  for (let size = Math.ceil(window.length / 2); size >= 1; size = Math.floor(size / 2)) {
    window = withoutPieces(window, size, options)
  }
  // Leaving out one may have made others needless that were looked at before.
  for (;;) {
    const smaller = withoutPieces(window, 1, options)
    if (smaller.length === window.length) return window
    window = smaller
  }
}

/** As few acts as possible from the beginning: what comes after the contradiction is of no use. */
function firstIllegal(acts: readonly Act[], options: ShrinkOptions): readonly Act[] {
  let legal = 0
  let illegal = acts.length
  let found = acts
  while (illegal - legal > 1) {
    const middle = (illegal + legal) >> 1
    const candidate = options.complete(acts.slice(0, middle), acts)
    if (candidate.length < found.length && options.isIllegal(candidate)) {
      illegal = middle
      found = candidate
    } else legal = middle
  }
  return found
}

function withoutPieces(acts: readonly Act[], size: number, options: ShrinkOptions): readonly Act[] {
  let window = acts
  let at = 0
  while (at < window.length) {
    const kept = window.toSpliced(at, size)
    const candidate = options.complete(kept, window)
    if (candidate.length < window.length && options.isIllegal(candidate)) {
      // What was completed lies before or after; what stands at this place now is another piece.
      const before = new Set(window.slice(0, at))
      window = candidate
      at = candidate.filter((act) => before.has(act)).length
    } else at += size
  }
  return window
}
