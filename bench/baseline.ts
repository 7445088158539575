/** What ratios were once measured, as `bench/baseline.json` keeps them. */
import type { BenchMachine } from '../lib/bench/report-data.ts'

export interface Measured {
  readonly bench: string
  readonly what: string
  readonly better: 'higher' | 'lower'
  /** One a run. */
  readonly ratios: readonly number[]
}

export interface Baseline {
  readonly version: 1
  /** ISO 8601. */
  readonly taken: string
  readonly machine: BenchMachine
  readonly targets: readonly Measured[]
}

export function keyOf({ bench, what }: Pick<Measured, 'bench' | 'what'>): string {
  return `${bench}: ${what}`
}

/** Of the benches that were run the new targets alone, of the others what there was. */
export function withBaseline(
  old: Baseline | undefined,
  measured: readonly Measured[],
  benches: readonly string[],
  machine: BenchMachine,
  now: Date,
): Baseline {
  const kept = (old?.targets ?? []).filter(({ bench }) => !benches.includes(bench))
  const targets = [...kept, ...measured].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))
  return { version: 1, taken: now.toISOString(), machine, targets }
}

/** One target a line, so that a change of one is a change of one line. */
export function baselineText({ targets, ...head }: Baseline): string {
  const lines = targets.map(({ ratios, ...target }) => {
    const rounded = ratios.map((ratio) => Number(ratio.toPrecision(4)))
    return `    ${JSON.stringify({ ...target, ratios: rounded })}`
  })
  const start = JSON.stringify(head, null, 2).slice(0, -2)
  return `${start},\n  "targets": [\n${lines.join(',\n')}\n  ]\n}\n`
}
