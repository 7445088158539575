/**
 * All benches, and one report of them: `npm run bench`, or `npm run bench -- --quick` in some
 * minutes; with the names of parts those alone. Exit code 1 when a part failed; a target that is
 * missed is shown as missed, and is no failure.
 */
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { benchMachine } from '../lib/bench/bench-machine.ts'
import { showReport, writeReport } from '../lib/bench/write-report.ts'
import { commandLine } from './command-line.ts'
import { gather } from './gather.ts'
import { Progress } from './progress.ts'
import { resultsFolder } from './report.ts'
import { runParts, untilSignal } from './run-parts.ts'

const { parts, values } = commandLine({ quick: { type: 'boolean' } })
const mode = values.quick === true ? 'quick' : 'full'
const started = new Date()
const progress = new Progress(parts.length)
const signal = untilSignal()
const outcomes = await runParts(parts, {
  mode,
  signal,
  onStart: ({ name }) => progress.next(name),
  onLine: ({ name }, line) => progress.say(`${name}: ${line}`),
})
progress.end()

const report = gather(outcomes, {
  mode,
  started: started.toISOString(),
  tookMs: Date.now() - started.getTime(),
  machine: benchMachine(),
})
const { json, html } = await writeReport(report, fileURLToPath(resultsFolder))
console.log(showReport(report))
console.log(`\nWritten to ${json} and ${html}`)
const failures = outcomes.flatMap(({ failure }) => (failure === undefined ? [] : [failure]))
if (failures.length > 0) {
  console.error(failures.join('\n'))
  process.exitCode = signal.aborted ? 130 : 1
}
