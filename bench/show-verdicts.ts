/** What the gate found, for a terminal or a log: what moved, the worst first, and the counts. */
import type { BenchMachine } from '../lib/bench/report-data.ts'
import type { Baseline } from './baseline.ts'
import type { Verdict } from './compare-baseline.ts'

const order: readonly Verdict['verdict'][] = [
  ...(['worse', 'missing', 'noisy', 'better', 'new', 'left out'] as const),
]

export function showVerdicts(
  verdicts: readonly Verdict[],
  baseline: Pick<Baseline, 'machine' | 'taken'>,
  machine: BenchMachine,
): string {
  const lines = order.flatMap((kind) =>
    verdicts
      .filter(({ verdict }) => verdict === kind)
      .sort((one, other) => other.worseTimes - one.worseTimes)
      .map(lineOf),
  )
  const count = (kind: Verdict['verdict']): number =>
    verdicts.filter(({ verdict }) => verdict === kind).length
  const counts = [...order, 'same' as const].map((kind) => `${count(kind)} ${kind}`).join(', ')
  return [
    ...lines,
    `${verdicts.length} ratios beside those of ${baseline.taken.slice(0, 10)}: ${counts}`,
    ...otherMachine(baseline.machine, machine),
  ].join('\n')
}

function lineOf({ verdict, bench, what, before, now, worseTimes, noise }: Verdict): string {
  const head = `${verdict.toUpperCase().padEnd(8)} ${bench}: ${what}`
  if (before === undefined) return `${head}: ${number(now)}`
  if (now === undefined) return `${head}: was ${number(before)}`
  const times = worseTimes >= 1 ? worseTimes : 1 / worseTimes
  const direction = worseTimes >= 1 ? 'worse' : 'better'
  return (
    `${head}: ${number(before)} before, ${number(now)} now: ` +
    `${times.toFixed(2)} × ${direction}, noise ${noise.toFixed(2)} ×`
  )
}

function number(value: number | undefined): string {
  return value === undefined ? '?' : String(Number(value.toPrecision(3)))
}

/** Ratios move with the machine, too. */
function otherMachine(before: BenchMachine, now: BenchMachine): string[] {
  const differ = (['node', 'cores', 'processor'] as const).filter((key) => before[key] !== now[key])
  if (differ.length === 0) return []
  const what = differ.map((key) => `${key} ${before[key]}, here ${now[key]}`).join('; ')
  return [`The baseline is of another machine (${what}): compare with one of this machine`]
}
