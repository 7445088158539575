/**
 * Rounds, medians and ratios. Absolute times mean little on a shared machine; ratios of one run do.
 */
import type { ReportedTarget } from '../lib/bench/report-data.ts'

export interface Contender {
  readonly name: string
  /** It runs only so many times fewer operations than the others, as it is so much slower. */
  readonly fewer?: number
  /** Runs `count` operations. */
  run(count: number): Promise<void> | void
}

export interface Timing {
  readonly name: string
  /** Microseconds an operation, one a round. */
  readonly micros: number[]
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  const middle = sorted.length >> 1
  const high = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? high) + high) / 2
}

/** Times contenders in turn, round by round, so that what disturbs one disturbs all. */
export async function compare(
  contenders: readonly Contender[],
  count: number,
  rounds: number,
): Promise<Timing[]> {
  const timings = contenders.map(({ name }): Timing => ({ name, micros: [] }))
  for (let round = -1; round < rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const own = count / (contender.fewer ?? 1)
      const start = performance.now()
      await contender.run(own)
      const took = performance.now() - start
      // The first round warms up.
      if (round >= 0) timings[index]?.micros.push((took * 1000) / own)
    }
  }
  return timings
}

/** Where the middle half of the values lies. */
export function spreadOf(values: readonly number[]): readonly [number, number] {
  const sorted = [...values].sort((one, other) => one - other)
  const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN
  return [at(0.25), at(0.75)]
}

/** The rounds' own ratios: their median, and where the middle half of them lies. */
export function compared(one: Timing, other: Timing): Pick<Target, 'ratio' | 'spread'> {
  const ratios = one.micros.map((value, round) => value / (other.micros[round] ?? Number.NaN))
  return { ratio: median(ratios), spread: spreadOf(ratios) }
}

export function fastest(timings: readonly Timing[]): Timing {
  return timings.reduce((one, other) => (median(one.micros) <= median(other.micros) ? one : other))
}

/** The median of the rounds' own ratios: both sides of each were measured in the same moments. */
export function ratio(one: Timing, other: Timing): number {
  return median(one.micros.map((value, round) => value / (other.micros[round] ?? Number.NaN)))
}

/** What a part says of a target; which part it is, and whether it is met, `report` adds. */
export type Target = Omit<ReportedTarget, 'bench' | 'met'>

export function isMet({ ratio: value, wanted }: Target): boolean {
  return 'atMost' in wanted ? value <= wanted.atMost : value >= wanted.atLeast
}

export function show(targets: readonly Target[]): string {
  const lines = targets.map((target) => {
    const figures = Object.entries(target.figures)
      .map(([name, value]) => `${name} ${round(value)}`)
      .join(' · ')
    const { wanted } = target
    const goal = 'atMost' in wanted ? `≤ ${wanted.atMost}` : `≥ ${wanted.atLeast}`
    const verdict = isMet(target) ? 'met' : 'MISSED'
    const { spread } = target
    const range = spread === undefined ? '' : ` (${round(spread[0])}–${round(spread[1])})`
    const ratio = `${round(target.ratio)}${range}`
    return `| ${target.what} | ${figures} (${target.unit}) | ${ratio} | ${goal} | ${verdict} |`
  })
  return [
    '| what | measured | ratio | wanted | |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n')
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
