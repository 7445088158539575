/** What a report says in a sentence, for who reads nothing else of it. */
import { figureText } from './figure-text.ts'
import type { BenchReport } from './report-data.ts'
import {
  limitRowsOf,
  nodeRowsOf,
  panelsOf,
  type SharePanel,
  whereText,
} from './report-questions.ts'
import type { ReportTable } from './report-tables.ts'

const linearizable = ['StrictCentralized', 'LinFastRead']

/** For each panel, which store does most operations a second, by the share of reads. */
export function winnersTable(report: BenchReport): ReportTable | undefined {
  const panels = panelsOf(report)
  const shares = [...new Set(panels.flatMap((panel) => panel.shares))].sort((a, b) => a - b)
  const rows = panels.flatMap((panel) => [
    winnersOf(panel, shares, 'the most', () => true),
    winnersOf(panel, shares, 'the most, linearizable', (name) => linearizable.includes(name)),
  ])
  if (rows.length === 0) return undefined
  return {
    id: 'shares',
    title: 'At a glance',
    note: 'The model with the most operations a second.',
    head: ['where', 'contention', '', ...shares.map((share) => `${share} % reads`)],
    words: 3 + shares.length,
    rows,
  }
}

function winnersOf(
  { nodes, contention, shares, stores }: SharePanel,
  columns: readonly number[],
  what: string,
  isWanted: (name: string) => boolean,
): string[] {
  const cells = columns.map((share) => {
    const at = shares.indexOf(share)
    const best = stores
      .filter(({ name, perSecond }) => isWanted(name) && (perSecond[at] ?? Number.NaN) > 0)
      .toSorted((one, other) => (other.perSecond[at] ?? 0) - (one.perSecond[at] ?? 0))[0]
    return best === undefined ? '' : `${best.name} (${figureText(best.perSecond[at] ?? 0)}/s)`
  })
  return [whereText(nodes), contention, what, ...cells]
}

/** Sentences, each of which the report can prove. */
export function answersOf(report: BenchReport): string[] {
  return [...nodeAnswers(report), ...limitAnswers(report), ...targetAnswers(report)]
}

function nodeAnswers(report: BenchReport): string[] {
  const told: readonly (readonly [string, string])[] = [
    ['LinFastRead', 'write'],
    ['StrictCentralized', 'read'],
    ['LinFastRead', 'read'],
  ]
  return told.flatMap(([store, operation]) => {
    const rows = nodeRowsOf(report).filter(
      (row) => row.store === store && row.operation === operation,
    )
    const alone = rows.find(({ micros }) => micros.has(1))?.micros.get(1)
    const far = rows.find(({ placement }) => placement === 'other node')?.micros
    const most = far === undefined ? undefined : Math.max(...far.keys())
    const there = most === undefined ? undefined : far?.get(most)
    if (alone === undefined || there === undefined || most === undefined) return []
    return [
      `A ${operation} of ${store} takes ${figureText(alone)} µs alone, and ` +
        `${figureText(there)} µs at another of ${most} nodes.`,
    ]
  })
}

function limitAnswers(report: BenchReport): string[] {
  const rows = limitRowsOf(report).filter(({ cell }) => cell.readShare === undefined)
  const [worst] = rows
  const middle = rows[rows.length >> 1]
  if (worst === undefined || middle === undefined) return []
  const { store, operation, placement, nodes } = worst.cell
  const where = `${placement}, ${whereText(nodes)}`
  return [
    `Half of all operations take less than ${figureText(middle.ratio)} times their limit. ` +
      `Furthest from it, at ${figureText(worst.ratio)} times, is ${store} ${operation} (${where}).`,
  ]
}

function targetAnswers({ targets }: BenchReport): string[] {
  if (targets.length === 0) return []
  const missed = targets.filter(({ met }) => !met)
  const all = `${targets.length - missed.length} of ${targets.length} targets are met`
  if (missed.length === 0) return [`${all}.`]
  return [`${all}; missed: ${missed.map(({ what }) => what).join('; ')}.`]
}
