/**
 * The report as one HTML page that needs nothing else: no network, no script, no other file. Each
 * question has its answer in words, its charts, and the table that they were drawn from.
 */
import { type DrawChart, seriesMarks } from './draw-chart.ts'
import { durationText, figureText } from './figure-text.ts'
import { pageStyle } from './page-style.ts'
import { answersOf, winnersTable } from './report-answers.ts'
import { type Chart, chartsOf, colourOfStore, type ReportCharts } from './report-charts.ts'
import type { BenchReport } from './report-data.ts'
import { type ReportTable, tablesOf } from './report-tables.ts'

const wide = { width: 560, isNarrow: false }
/** Bars have their names beside them, and a row of the page for themselves. */
const wideBars = { width: 900, isNarrow: false }
const narrow = { width: 340, isNarrow: true }

interface Section {
  readonly id: ReportTable['id']
  readonly title: string
  readonly lead: string
  readonly charts: readonly Chart[]
  readonly tables: readonly ReportTable[]
  /** Of many rows, which few will read. */
  readonly isLong: boolean
}

/** @param draw how charts are drawn; undefined: they cannot be, and the page says so */
export function pageOf(report: BenchReport, draw: DrawChart | undefined): string {
  const sections = sectionsOf(report).filter(({ tables }) => tables.length > 0)
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<title>goaway bench</title>',
    `<style>${pageStyle}</style>`,
    '</head>',
    '<body>',
    ...headerOf(report, sections, draw !== undefined),
    ...sections.flatMap((section) => htmlOf(section, draw)),
    ...leftOutOf(report),
    '</body>',
    '</html>',
    '',
  ].join('\n')
}

function sectionsOf(report: BenchReport): Section[] {
  const tables = new Map(tablesOf(report).map((table) => [table.id, table]))
  const charts = chartsOf(report)
  const winners = winnersTable(report)
  const section = (
    id: ReportTable['id'],
    lead: string,
    own: { charts?: ReportCharts[keyof ReportCharts]; isLong?: boolean; before?: ReportTable },
  ): Section => {
    const table = tables.get(id)
    const all = [own.before, table].filter((one) => one !== undefined)
    const { charts: drawn = [], isLong = false } = own
    return { id, title: table?.title ?? '', lead, charts: drawn, tables: all, isLong }
  }
  return [
    section('shares', 'More operations a second are better; the axis is logarithmic.', {
      charts: charts.shares,
      ...(winners === undefined ? {} : { before: winners }),
    }),
    section('nodes', 'Less time is better; the axis is logarithmic.', {
      charts: charts.nodes,
      isLong: true,
    }),
    section('limits', 'The limit is what bare parts of the same machine do in the same rounds.', {
      charts: charts.limits,
      isLong: true,
    }),
    section('targets', '', {}),
    section('workloads', '', { charts: charts.workloads }),
    section('cells', '', { isLong: true }),
  ]
}

function headerOf(report: BenchReport, sections: readonly Section[], isDrawn: boolean): string[] {
  const { machine, mode, started, tookMs, limits } = report
  const facts =
    `goaway ${machine.goaway}, Node ${machine.node}, ${machine.cores} cores, ` +
    `${machine.processor}. Run of ${started.slice(0, 16).replace('T', ' ')} UTC, ${mode}, ` +
    `${durationText(tookMs)}. Times of different runs cannot be compared; ratios of one can.`
  const bare = limits
    .filter(({ name }) => !/[×+]/.test(name))
    .map(({ name, p50 }) => `${name} ${figureText(p50)} µs`)
  const links = sections.map(({ id, title }) => `<a href="#${id}">${escaped(title)}</a>`)
  return [
    '<h1>goaway bench</h1>',
    `<p class="soft">${escaped(facts)}</p>`,
    ...(bare.length === 0
      ? []
      : [`<p class="soft">${escaped(`Bare parts: ${bare.join(' · ')}`)}.</p>`]),
    ...(isDrawn ? [] : [`<p>${escaped(withoutCharts)}</p>`]),
    `<nav>${links.join('')}</nav>`,
    '<ul class="answers">',
    ...answersOf(report).map((answer) => `<li>${escaped(answer)}</li>`),
    '</ul>',
  ]
}

const withoutCharts =
  'There are no charts on this page, only their tables: run npm install --save-dev echarts ' +
  'beside goaway, and the next report has them.'

function htmlOf(section: Section, draw: DrawChart | undefined): string[] {
  const { id, title, lead, charts, tables, isLong } = section
  const [first, ...others] = tables
  const last = tables.at(-1)
  const shown = draw === undefined ? [] : charts
  const before = others.length === 0 ? [] : [first].filter((one) => one !== undefined)
  return [
    `<section id="${id}">`,
    `<h2>${escaped(title)}</h2>`,
    ...(lead === '' ? [] : [`<p>${escaped(lead)}</p>`]),
    ...before.flatMap(tableOf),
    ...(shown.length === 0 || draw === undefined ? [] : chartsHtml(shown, draw)),
    ...(last === undefined ? [] : folded(last, isLong)),
    '</section>',
  ]
}

function folded(table: ReportTable, isLong: boolean): string[] {
  if (!isLong) return tableOf(table)
  return [
    `<details><summary>The figures (${table.rows.length} rows)</summary>`,
    ...tableOf(table),
    '</details>',
  ]
}

function chartsHtml(charts: readonly Chart[], draw: DrawChart): string[] {
  return [
    ...legendOf(charts),
    '<div class="charts">',
    ...charts.flatMap((chart) => [
      `<figure class="${chart.kind}">`,
      `<h3>${escaped(chart.title)}</h3>`,
      `<div class="wide">${draw(chart, chart.kind === 'bars' ? wideBars : wide)}</div>`,
      `<div class="narrow">${draw(chart, narrow)}</div>`,
      '</figure>',
    ]),
    '</div>',
  ]
}

/** Lines are told apart by colour, by dashes and by marks; bars have their names beside them. */
function legendOf(charts: readonly Chart[]): string[] {
  const names = charts.flatMap((chart) =>
    chart.kind === 'lines' ? chart.series.map(({ name }) => name) : [],
  )
  const entries = [...new Set(names)].map((name) => {
    const colour = colourOfStore(name)
    const { symbol, dash } = seriesMarks[colour % seriesMarks.length] ?? seriesMarks[0]
    const dashes = dash === 'solid' ? '' : ` stroke-dasharray="${dash.join(' ')}"`
    const line = `<path d="M0 7H44" stroke="var(--series-${colour})" stroke-width="2.5"${dashes}/>`
    const mark = marks[symbol].replaceAll('COLOUR', `var(--series-${colour})`)
    const swatch = `<svg viewBox="0 0 44 14" aria-hidden="true">${line}${mark}</svg>`
    return `<li>${swatch}${escaped(name)}</li>`
  })
  return entries.length === 0 ? [] : ['<ul class="legend">', ...entries, '</ul>']
}

const marks = {
  circle: '<circle cx="22" cy="7" r="5" fill="COLOUR"/>',
  rect: '<rect x="17" y="2" width="10" height="10" fill="COLOUR"/>',
  triangle: '<path d="M22 1L28 12H16Z" fill="COLOUR"/>',
  diamond: '<path d="M22 0L29 7L22 14L15 7Z" fill="COLOUR"/>',
  arrow: '<path d="M22 1L28 13L22 10L16 13Z" fill="COLOUR"/>',
} as const

function tableOf({ note, head, words, rows }: ReportTable): string[] {
  const cell = (text: string, at: number, tag: 'td' | 'th'): string => {
    const kind = at >= words ? 'figure' : text.length > longText ? 'long' : verdicts[text]
    return `<${tag}${kind === undefined ? '' : ` class="${kind}"`}>${escaped(text)}</${tag}>`
  }
  const row = (texts: readonly string[], tag: 'td' | 'th'): string =>
    `<tr>${texts.map((text, at) => cell(text, at, tag)).join('')}</tr>`
  return [
    `<p class="soft">${escaped(note)}</p>`,
    '<div class="table"><table>',
    `<thead>${row(head, 'th')}</thead>`,
    '<tbody>',
    ...rows.map((texts) => row(texts, 'td')),
    '</tbody></table></div>',
  ]
}

/** What is longer may break. */
const longText = 40

/** The words of a verdict have a colour, and are words. */
const verdicts: Readonly<Record<string, string>> = { met: 'met', MISSED: 'missed' }

function leftOutOf({ leftOut }: BenchReport): string[] {
  if (leftOut.length === 0) return []
  return [
    '<section id="left-out"><h2>Left out</h2><ul>',
    ...leftOut.map((line) => `<li>${escaped(line)}</li>`),
    '</ul></section>',
  ]
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
