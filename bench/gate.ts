/**
 * Whether something got slower: `npm run bench:check` runs the parts several times, quickly, and
 * compares their ratios with `bench/baseline.json`. With names it runs those parts alone. What
 * seems worse is measured again before it is told. Exit code 1 when something is worse.
 * `npm run bench:check -- --update` writes the baseline; of a quiet machine, please.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { benchMachine } from '../lib/bench/bench-machine.ts'
import { type Baseline, baselineText, withBaseline } from './baseline.ts'
import { commandLine, refuse } from './command-line.ts'
import { compareBaseline, measuredOf, type Verdict } from './compare-baseline.ts'
import type { Part } from './parts.ts'
import { Progress } from './progress.ts'
import { type Outcome, runParts, untilSignal } from './run-parts.ts'
import { showVerdicts } from './show-verdicts.ts'

const file = new URL('../../bench/baseline.json', import.meta.url)
const { parts, values } = commandLine({ update: { type: 'boolean' }, runs: { type: 'string' } })
const runs = Number(values.runs ?? (values.update ? 5 : 3))
if (!Number.isInteger(runs) || runs < 1) {
  refuse(`Cannot run the benches --runs=${values.runs} times: give a number from 1`)
}
const signal = untilSignal()

/** Round by round, so that what disturbs the machine for a while disturbs all parts. */
async function measure(parts: readonly Part[]): Promise<Outcome[]> {
  const progress = new Progress(runs * parts.length)
  const outcomes: Outcome[] = []
  for (let run = 0; run < runs; run++) {
    outcomes.push(
      ...(await runParts(parts, {
        mode: 'quick',
        signal,
        onStart: ({ name }) => progress.next(name),
        onLine: ({ name }, line) => progress.say(`${name}: ${line}`),
      })),
    )
  }
  progress.end()
  return outcomes
}

/** Ends the program if parts failed: half a comparison would say that all is well. */
function endIfFailed(outcomes: readonly Outcome[]): void {
  const failures = outcomes.flatMap(({ failure }) => (failure === undefined ? [] : [failure]))
  if (failures.length === 0) return
  console.error(failures.join('\n'))
  process.exit(signal.aborted ? 130 : 1)
}

function readBaseline(): Baseline | undefined {
  if (!existsSync(file)) return undefined
  return JSON.parse(readFileSync(file, 'utf8')) as Baseline
}

function verdictsOf(baseline: Baseline, outcomes: readonly Outcome[]): Verdict[] {
  const measured = measuredOf(outcomes.map(({ result }) => result?.targets ?? []))
  const ran = new Set(outcomes.map(({ part }) => part.name))
  const leftOut = new Set(
    outcomes.filter(({ result }) => result?.leftOut.length).map(({ part }) => part.name),
  )
  return compareBaseline(baseline.targets, measured, ran).map((verdict) =>
    // What is not installed is not measured, and that is said already.
    verdict.verdict === 'missing' && leftOut.has(verdict.bench)
      ? { ...verdict, verdict: 'left out' }
      : verdict,
  )
}

const baseline = readBaseline()
if (baseline === undefined && values.update !== true) {
  refuse('Cannot compare: there is no bench/baseline.json; --update writes one')
}
const outcomes = await measure(parts)
endIfFailed(outcomes)
if (values.update === true) {
  const measured = measuredOf(outcomes.map(({ result }) => result?.targets ?? []))
  const names = parts.map(({ name }) => name)
  const next = withBaseline(baseline, measured, names, benchMachine(), new Date())
  writeFileSync(file, baselineText(next))
  console.log(`${measured.length} targets written to ${fileURLToPath(file)}`)
} else if (baseline !== undefined) {
  const first = verdictsOf(baseline, outcomes)
  const suspects = new Set(
    first.filter(({ verdict }) => verdict === 'worse').map(({ bench }) => bench),
  )
  if (suspects.size > 0) console.error(`Measured again: ${[...suspects].join(', ')}`)
  const again = await measure(parts.filter(({ name }) => suspects.has(name)))
  endIfFailed(again)
  const verdicts = verdictsOf(baseline, [...outcomes, ...again])
  console.log(showVerdicts(verdicts, baseline, benchMachine()))
  const isWrong = verdicts.some(({ verdict }) => verdict === 'worse' || verdict === 'missing')
  process.exitCode = isWrong ? 1 : 0
}
