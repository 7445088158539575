/** One report of what the parts have left. */
import type { BenchReport } from '../lib/bench/report-data.ts'
import type { Outcome } from './run-parts.ts'

export function gather(
  outcomes: readonly Outcome[],
  run: Pick<BenchReport, 'mode' | 'started' | 'tookMs' | 'machine'>,
): BenchReport {
  const results = outcomes.flatMap(({ result }) => (result === undefined ? [] : [result]))
  const failed = outcomes.flatMap(({ part, failure }) =>
    failure === undefined ? [] : [`what else ${part.name} measures: it failed in this run`],
  )
  return {
    version: 1,
    ...run,
    limits: results.flatMap(({ limits }) => limits),
    cells: results.flatMap(({ cells }) => cells),
    targets: results.flatMap(({ targets }) => targets),
    workloads: results.flatMap(({ workloads }) => workloads),
    leftOut: [...new Set(results.flatMap(({ leftOut }) => leftOut)), ...failed],
  }
}
