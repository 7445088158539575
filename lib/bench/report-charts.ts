/** Which charts a report has, and what is in them: figures and names, not how they look. */
import type { BenchReport, Cell } from './report-data.ts'
import {
  limitRowsOf,
  type NodeRow,
  nodeRowsOf,
  nodesOf,
  panelsOf,
  type SharePanel,
  whereText,
} from './report-questions.ts'

export type Chart = LineChart | RatioChart

export interface LineChart {
  readonly kind: 'lines'
  readonly title: string
  readonly labels: { readonly title: string; readonly names: readonly string[] }
  readonly unit: string
  readonly series: readonly {
    readonly name: string
    readonly colour: number
    /** NaN where nothing was measured. */
    readonly values: readonly number[]
  }[]
  /** Of the axis: charts that stand side by side have the same. */
  readonly range: readonly [number, number]
}

/** A bar for each row. */
export interface RatioChart {
  readonly kind: 'bars'
  readonly title: string
  readonly unit: string
  readonly rows: readonly {
    readonly name: string
    readonly colour: number
    readonly value: number
  }[]
  /** A line across all bars. */
  readonly mark: { readonly at: number; readonly name: string }
}

const stores = ['StrictCentralized', 'LinFastRead', 'Weak', 'UpdateOnRelease', 'Lock']

/** The same store has the same colour everywhere. */
export function colourOfStore(store: string): number {
  const at = stores.indexOf(store)
  return at === -1 ? stores.length : at
}

/** For each question its charts; none where nothing was measured that could be drawn. */
export interface ReportCharts {
  readonly shares: readonly LineChart[]
  readonly nodes: readonly LineChart[]
  readonly limits: readonly RatioChart[]
  readonly workloads: readonly RatioChart[]
}

export function chartsOf(report: BenchReport): ReportCharts {
  return {
    shares: shareCharts(report),
    nodes: nodeCharts(report),
    limits: limitCharts(report),
    workloads: workloadCharts(report),
  }
}

function shareCharts(report: BenchReport): LineChart[] {
  const panels = panelsOf(report).filter(({ shares }) => shares.length > 1)
  const range = rangeOf(panels.flatMap(({ stores: all }) => all.flatMap((one) => one.perSecond)))
  return panels.map((panel) => ({
    kind: 'lines',
    title: panelTitle(panel),
    labels: { title: 'share of reads', names: panel.shares.map((share) => `${share} %`) },
    unit: 'operations/s',
    series: panel.stores.map(({ name, perSecond }) => ({
      name,
      colour: colourOfStore(name),
      values: perSecond,
    })),
    range,
  }))
}

function panelTitle({ nodes, contention }: SharePanel): string {
  const who = nodes === 1 ? 'two threads' : 'two of the nodes that do not serve'
  const what = contention === 'shared field' ? 'the same field' : 'a field of its own each'
  return `${capital(whereText(nodes))}: ${who}, ${what}`
}

/** What all that is written has to be waited for costs, and what a read costs. */
const writesOf: Readonly<Record<string, string>> = {
  StrictCentralized: 'write',
  LinFastRead: 'write',
  Weak: 'write and sync',
  UpdateOnRelease: 'section of 1 write',
  Lock: 'acquire and release',
}

function nodeCharts(report: BenchReport): LineChart[] {
  const nodes = nodesOf(report)
  const rows = nodeRowsOf(report)
  if (nodes.length < 2) return []
  const wanted: readonly (readonly [string, Cell['placement'], (row: NodeRow) => boolean])[] = [
    ['Writes and locks, asked for at another node', 'other node', isWrite],
    ['Writes and locks, asked for at the node that serves', 'other thread', isWrite],
    ['Reads, asked for at another node', 'other node', isRead],
    ['Reads, asked for at the node that serves', 'other thread', isRead],
  ]
  const range = rangeOf(rows.filter(isEither).flatMap(({ micros }) => [...micros.values()]))
  return wanted
    .map(([title, placement, isWanted]): LineChart => {
      const series = rows
        .filter((row) => row.placement === placement && isWanted(row))
        .map((row) => ({
          name: row.store,
          colour: colourOfStore(row.store),
          values: nodes.map((count) => row.micros.get(count) ?? aloneOf(rows, row, count)),
        }))
      const labels = { title: 'nodes', names: nodes.map((count) => `${count}`) }
      return { kind: 'lines', title, labels, unit: 'µs (p50)', series, range }
    })
    .filter(({ series }) => series.length > 0)
}

const isWrite = ({ store, operation }: NodeRow): boolean => operation === writesOf[store]
const isRead = ({ operation }: NodeRow): boolean => operation === 'read'
const isEither = (row: NodeRow): boolean => isWrite(row) || isRead(row)

/** Who is alone has no other node: the line begins with what it costs there. */
function aloneOf(rows: readonly NodeRow[], { store, operation }: NodeRow, nodes: number): number {
  if (nodes !== 1) return Number.NaN
  const isSame = (row: NodeRow): boolean => row.store === store && row.operation === operation
  return rows.find((row) => isSame(row) && row.micros.has(1))?.micros.get(1) ?? Number.NaN
}

function limitCharts(report: BenchReport): RatioChart[] {
  const nodes = nodesOf(report)
  const cluster = nodes.find((count) => count >= 3) ?? nodes.find((count) => count > 1)
  return [nodes.find((count) => count === 1), cluster]
    .filter((count) => count !== undefined)
    .map((count): RatioChart => {
      const rows = limitRowsOf(report)
        .filter(({ cell }) => cell.nodes === count && cell.readShare === undefined)
        .map(({ cell, ratio }) => ({
          name: `${cell.store} ${cell.operation}, ${cell.placement}`,
          colour: colourOfStore(cell.store),
          value: ratio,
        }))
      const title = `${capital(whereText(count))}: times the limit`
      return { kind: 'bars', title, unit: 'times the limit', rows, mark: limitMark }
    })
    .filter(({ rows }) => rows.length > 0)
}

const limitMark = { at: 1, name: 'the limit' }

function workloadCharts({ workloads }: BenchReport): RatioChart[] {
  const counts = [...new Set(workloads.map(({ workers }) => workers))].sort((a, b) => a - b)
  return counts.map((workers) => ({
    kind: 'bars',
    title: `Speed-up with ${workers} ${workers === 1 ? 'worker' : 'workers'}`,
    unit: 'times one thread without the library',
    rows: workloads
      .filter((one) => one.workers === workers)
      .flatMap(({ name, where, speedUp, bareSpeedUp }) => [
        { name: `${name}, ${where}`, colour: 1, value: speedUp },
        ...(bareSpeedUp === undefined
          ? []
          : [{ name: `${name}, bare threads`, colour: 5, value: bareSpeedUp }]),
      ]),
    mark: { at: workers, name: 'ideal' },
  }))
}

/** Whole powers of ten around all of them. */
function rangeOf(values: readonly number[]): readonly [number, number] {
  const drawn = values.filter((value) => Number.isFinite(value) && value > 0)
  const low = Math.floor(Math.log10(Math.min(...drawn)))
  const high = Math.ceil(Math.log10(Math.max(...drawn)))
  return drawn.length === 0 ? [1, 10] : [10 ** low, 10 ** Math.max(high, low + 1)]
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}
