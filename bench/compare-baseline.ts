/**
 * Whether ratios have become worse than those of the baseline, by more than their noise. Both sides
 * are several runs. All of it is in factors, as 2 and 0.5 are equally far from 1.
 *
 * The noise of a side is three times how far its runs lie from their median, in the median: one run
 * that something disturbed does not make all others worthless. A target has got worse if its median
 * has moved the wrong way by more than the noise of both, and by more than `smallest`. What has
 * moved by more than that, but not by more than the noise, is called noisy.
 */
import type { ReportedTarget } from '../lib/bench/report-data.ts'
import { keyOf, type Measured } from './baseline.ts'
import { median } from './measure.ts'

/** Less than a tenth is nothing. */
const smallest = 1.1

export interface Verdict {
  readonly bench: string
  readonly what: string
  readonly verdict: 'worse' | 'better' | 'noisy' | 'same' | 'missing' | 'left out' | 'new'
  /** Medians; undefined where there is none. */
  readonly before: number | undefined
  readonly now: number | undefined
  /** How many times worse it is; below 1: better. */
  readonly worseTimes: number
  /** How many times worse it may seem by chance. */
  readonly noise: number
}

/** Of each target its ratios in all runs. Those to a fixed number are times, and left out. */
export function measuredOf(runs: readonly (readonly ReportedTarget[])[]): Measured[] {
  const all = new Map<string, Measured & { ratios: number[] }>()
  for (const { bench, what, wanted, ratio, isAbsolute } of runs.flat()) {
    if (isAbsolute === true || !(ratio > 0) || ratio === Number.POSITIVE_INFINITY) continue
    const better = 'atLeast' in wanted ? 'higher' : 'lower'
    const key = keyOf({ bench, what })
    const known = all.get(key) ?? { bench, what, better, ratios: [] as number[] }
    known.ratios.push(ratio)
    all.set(key, known)
  }
  return [...all.values()]
}

/** Of the parts that were run. */
export function compareBaseline(
  baseline: readonly Measured[],
  measured: readonly Measured[],
  benches: ReadonlySet<string>,
): Verdict[] {
  const before = new Map(baseline.map((target) => [keyOf(target), target]))
  const now = new Map(measured.map((target) => [keyOf(target), target]))
  const keys = new Set([...before.keys(), ...now.keys()])
  return [...keys]
    .map((key) => verdictOn(before.get(key), now.get(key)))
    .filter(({ bench }) => benches.has(bench))
}

function verdictOn(before: Measured | undefined, now: Measured | undefined): Verdict {
  const { bench, what, better } = (now ?? before) as Measured
  const medians = { before: before && median(before.ratios), now: now && median(now.ratios) }
  const of = (verdict: Verdict['verdict'], worseTimes = 1, noise = 1): Verdict => ({
    ...{ bench, what, verdict, ...medians, worseTimes, noise },
  })
  if (before === undefined || now === undefined) return of(before === undefined ? 'new' : 'missing')
  const moved = median(now.ratios) / median(before.ratios)
  const worseTimes = better === 'lower' ? moved : 1 / moved
  const noise = noiseOf(before.ratios) * noiseOf(now.ratios)
  const most = Math.max(smallest, noise)
  if (worseTimes > most) return of('worse', worseTimes, noise)
  if (worseTimes < 1 / most) return of('better', worseTimes, noise)
  const hasMoved = worseTimes > smallest || worseTimes < 1 / smallest
  return of(hasMoved ? 'noisy' : 'same', worseTimes, noise)
}

/** Three times in factors is to the power of three. */
function noiseOf(ratios: readonly number[]): number {
  const middle = median(ratios)
  return median(ratios.map((ratio) => Math.max(ratio / middle, middle / ratio))) ** 3
}
