/** What a run of the benches leaves: tables on a terminal, and in a folder JSON and a page. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Table from 'cli-table3'
import { chartDrawer } from './draw-chart.ts'
import { durationText, figureText } from './figure-text.ts'
import type { BenchReport } from './report-data.ts'
import { pageOf } from './report-page.ts'
import { type ReportTable, tablesOf } from './report-tables.ts'

/** Lines alone would tell nothing that space does not. */
const lineless = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: ' ' },
}

/** A column of words is not wider, or lines break in the middle of figures. */
const wordsWidthMax = 60

/** Paths of what was written. */
export interface WrittenReport {
  readonly json: string
  readonly html: string
}

/** Writes `report.json` and `report.html`; the folder is made where it is not there. */
export async function writeReport(report: BenchReport, folder: string): Promise<WrittenReport> {
  await mkdir(folder, { recursive: true })
  const paths = { json: join(folder, 'report.json'), html: join(folder, 'report.html') }
  await writeFile(paths.json, `${JSON.stringify(report, null, 2)}\n`)
  await writeFile(paths.html, pageOf(report, await chartDrawer()))
  return paths
}

/** For a terminal, a pipe or a log. */
export function showReport(report: BenchReport): string {
  const { machine, mode, tookMs, limits, leftOut } = report
  const measured =
    `goaway ${machine.goaway}, Node ${machine.node}, ${machine.cores} cores, ` +
    `${machine.processor}: ${mode}, ${durationText(tookMs)}`
  const bare = limits
    // Those that others are made of.
    .filter(({ name }) => !/[×+]/.test(name))
    .map(({ name, p50 }) => `${name} ${figureText(p50)} µs`)
  const parts = [
    measured,
    ...tablesOf(report).map(textOf),
    ...(bare.length === 0 ? [] : [`Limits: ${bare.join(' · ')}`]),
    ...(leftOut.length === 0 ? [] : [leftOut.map((line) => `Left out: ${line}`).join('\n')]),
  ]
  return parts.join('\n\n')
}

function textOf({ title, note, head, words, rows }: ReportTable): string {
  const table = new Table({
    head: [...head],
    chars: lineless,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 1 },
    colAligns: head.map((_, at) => (at < words ? 'left' : 'right')),
    colWidths: head.map((_, at) => widthOf(at, head, rows)),
    wordWrap: true,
  })
  for (const row of rows) table.push(row.map(plain))
  const lines = table.toString().split('\n')
  return [`${title}\n${note}`, ...lines.map((line) => line.trimEnd())].join('\n')
}

/** `null`: as wide as it has to be. */
function widthOf(at: number, head: readonly string[], rows: ReportTable['rows']): number | null {
  const longest = [head, ...rows].reduce((most, row) => Math.max(most, row[at]?.length ?? 0), 0)
  return longest > wordsWidthMax ? wordsWidthMax : null
}

/** Names come from files that anybody may have made: they may not move the cursor. */
function plain(text: string): string {
  return text.replaceAll(/\p{C}/gu, '?')
}
