/** A report as tables, for the terminal and for the page: what they say is decided here, once. */
import { figureText, ratioText, wantedText } from './figure-text.ts'
import type { BenchReport } from './report-data.ts'
import { limitRowsOf, nodeRowsOf, nodesOf, panelsOf, whereText } from './report-questions.ts'

export interface ReportTable {
  /** One word, of the table alone. */
  readonly id: 'cells' | 'shares' | 'nodes' | 'limits' | 'targets' | 'workloads'
  readonly title: string
  /** What the figures are, with their unit. */
  readonly note: string
  readonly head: readonly string[]
  /** So many columns, from the left, are words; the others are figures. */
  readonly words: number
  readonly rows: readonly (readonly string[])[]
}

/** Those that have something to say; what is looked at most comes last, as on a terminal. */
export function tablesOf(report: BenchReport): ReportTable[] {
  const tables = [
    cellTable(report),
    limitTable(report),
    nodeTable(report),
    shareTable(report),
    workloadTable(report),
    targetTable(report),
  ]
  return tables.filter(({ rows }) => rows.length > 0)
}

function cellTable({ cells }: BenchReport): ReportTable {
  return {
    id: 'cells',
    title: 'All cells',
    note:
      'Times in microseconds; in brackets where the middle half of the rounds lies. Messages and ' +
      'bytes go between nodes, for one operation; bytes are counted before TLS.',
    head: [
      ...['store', 'operation', 'asked at', 'over', 'contention'],
      ...['nodes', 'p50 (spread)', 'p99', 'operations/s', 'messages', 'bytes'],
    ],
    words: 5,
    rows: cells.map((cell) => [
      cell.store,
      cell.readShare === undefined ? cell.operation : `${cell.readShare} % reads`,
      cell.placement,
      cell.transport,
      cell.contention,
      String(cell.nodes),
      ratioText(cell.p50, cell.spread),
      figureText(cell.p99),
      figureText(cell.perSecond),
      figureText(cell.messages),
      figureText(cell.bytes),
    ]),
  }
}

function limitTable(report: BenchReport): ReportTable {
  return {
    id: 'limits',
    title: 'How far from the limit',
    note:
      'Microseconds of one operation (p50), and of what nothing made of the same parts can beat, ' +
      'in the same run; the largest ratio first.',
    head: ['store', 'operation', 'asked at', 'limit', 'nodes', 'p50', 'limit p50', 'ratio'],
    words: 4,
    rows: limitRowsOf(report)
      .filter(({ cell }) => cell.readShare === undefined)
      .map(({ cell, limit, ratio }) => [
        cell.store,
        cell.operation,
        cell.placement,
        limit.name,
        String(cell.nodes),
        figureText(cell.p50),
        figureText(limit.p50),
        figureText(ratio),
      ]),
  }
}

function nodeTable(report: BenchReport): ReportTable {
  const nodes = nodesOf(report)
  return {
    id: 'nodes',
    title: 'What another node costs',
    note: 'Microseconds of one operation (p50), by the number of nodes with the program’s own.',
    head: ['store', 'operation', 'asked at', 'contention', ...nodes.map(whereText)],
    words: 4,
    rows: nodeRowsOf(report).map(({ store, operation, placement, contention, micros }) => [
      ...[store, operation, placement, contention],
      ...nodes.map((count) => {
        const value = micros.get(count)
        return value === undefined ? '' : figureText(value)
      }),
    ]),
  }
}

function shareTable(report: BenchReport): ReportTable {
  const panels = panelsOf(report)
  const shares = [...new Set(panels.flatMap((panel) => panel.shares))].sort(
    (one, other) => one - other,
  )
  return {
    id: 'shares',
    title: 'Which model for which read share',
    note: 'Operations a second of all callers together, by the share of reads among them.',
    head: ['where', 'contention', 'store', ...shares.map((share) => `${share} %`)],
    words: 3,
    rows: panels.flatMap((panel) =>
      panel.stores.map(({ name, perSecond }) => [
        ...[whereText(panel.nodes), panel.contention, name],
        ...shares.map((share) => {
          const at = panel.shares.indexOf(share)
          return at === -1 ? '' : figureText(perSecond[at] ?? Number.NaN)
        }),
      ]),
    ),
  }
}

function workloadTable({ workloads }: BenchReport): ReportTable {
  return {
    id: 'workloads',
    title: 'Whole programs',
    note: 'Each beside the same work done by one thread without the library, in the same run.',
    head: [
      ...['program', 'where', 'workers', 'serial ms', 'took ms'],
      ...['speed-up', 'bare threads', 'messages', 'bytes'],
    ],
    words: 2,
    rows: workloads.map((one) => [
      one.name,
      one.where,
      String(one.workers),
      figureText(one.serialMs),
      figureText(one.tookMs),
      figureText(one.speedUp),
      one.bareSpeedUp === undefined ? '' : figureText(one.bareSpeedUp),
      figureText(one.messages),
      figureText(one.bytes),
    ]),
  }
}

function targetTable({ targets }: BenchReport): ReportTable {
  const missed = targets.filter(({ met }) => !met).length
  return {
    id: 'targets',
    title: 'Targets',
    note: `${targets.length - missed} of ${targets.length} met, ${missed} missed.`,
    head: ['verdict', 'bench', 'what', 'measured', 'ratio (spread)', 'wanted'],
    words: 4,
    rows: targets.map(({ bench, what, figures, unit, ratio, spread, wanted, met }) => [
      met ? 'met' : 'MISSED',
      bench,
      what,
      Object.entries(figures)
        .map(([name, value]) => `${name} ${figureText(value)}`)
        .join(' · ') + (unit === '' ? '' : ` (${unit})`),
      ratioText(ratio, spread),
      wantedText(wanted),
    ]),
  }
}
