/**
 * What a part of the benches leaves: a table on the terminal, and JSON in `bench/results`, of
 * which `all.ts` makes one report.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { BenchReport, ReportedTarget } from '../lib/bench/report-data.ts'
import { isMet, show, type Target } from './measure.ts'

/** What a part may hand over beside its targets. */
export type More = Partial<Pick<BenchReport, 'workloads' | 'cells' | 'limits' | 'leftOut'>>

/** The content of a part's file. */
export interface PartResult extends Required<More> {
  readonly machine: { readonly node: string; readonly cores: number }
  readonly targets: readonly ReportedTarget[]
}

export const resultsFolder = new URL('../../bench/results/', import.meta.url)

export function resultFile(part: string): URL {
  return new URL(`${part}.json`, resultsFolder)
}

export function report(part: string, targets: readonly Target[], more: More = {}): void {
  if (targets.length > 0) console.log(show(targets))
  for (const line of more.leftOut ?? []) console.log(`Left out: ${line}`)
  const result: PartResult = {
    machine: { node: process.version, cores: availableParallelism() },
    targets: targets.map((target) => ({ bench: part, ...target, met: isMet(target) })),
    workloads: more.workloads ?? [],
    cells: more.cells ?? [],
    limits: more.limits ?? [],
    leftOut: more.leftOut ?? [],
  }
  mkdirSync(resultsFolder, { recursive: true })
  const file = resultFile(part)
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
  console.log(`Written to ${fileURLToPath(file)}`)
}
