/**
 * What a report answers, as rows of figures: which model for which read share, what another node
 * costs, how far from the limit. Tables and charts are both made of these, so that they agree.
 */
import type { BenchReport, Cell, Figure } from './report-data.ts'

/** Operations a second of each store, by the share of reads. */
export interface SharePanel {
  readonly nodes: number
  readonly contention: Cell['contention']
  readonly placement: Cell['placement']
  readonly shares: readonly number[]
  readonly stores: readonly { readonly name: string; readonly perSecond: readonly number[] }[]
}

/** Microseconds of one operation, by the number of nodes. */
export interface NodeRow {
  readonly store: string
  readonly operation: string
  readonly placement: Cell['placement']
  readonly contention: Cell['contention']
  /** By the number of nodes. */
  readonly micros: ReadonlyMap<number, number>
}

/** An operation beside what nothing made of the same parts can beat. */
export interface LimitRow {
  readonly cell: Cell
  readonly limit: Figure
  /** How many times the limit it takes. */
  readonly ratio: number
}

export function panelsOf({ cells }: BenchReport): SharePanel[] {
  const mixes = cells.filter(({ readShare }) => readShare !== undefined)
  const groups = groupBy(mixes, (cell) => [cell.nodes, cell.contention, cell.placement].join('\n'))
  const panels = [...groups.values()].map((group): SharePanel => {
    const { nodes, contention, placement } = group[0] as Cell
    const shares = [...new Set(group.map(({ readShare }) => readShare as number))].sort(
      (one, other) => one - other,
    )
    const stores = [...groupBy(group, ({ store }) => store)].map(([name, own]) => ({
      name,
      perSecond: shares.map(
        (share) => own.find(({ readShare }) => readShare === share)?.perSecond ?? Number.NaN,
      ),
    }))
    return { nodes, contention, placement, shares, stores }
  })
  return panels.sort((one, other) => one.nodes - other.nodes)
}

export function nodeRowsOf({ cells }: BenchReport): NodeRow[] {
  const single = cells.filter(({ readShare }) => readShare === undefined)
  const groups = groupBy(single, (cell) =>
    [cell.store, cell.operation, cell.placement, cell.contention].join('\n'),
  )
  return [...groups.values()].map((group) => {
    const { store, operation, placement, contention } = group[0] as Cell
    const micros = new Map(group.map(({ nodes, p50 }) => [nodes, p50]))
    return { store, operation, placement, contention, micros }
  })
}

/** Those that cost most of their limit first. */
export function limitRowsOf({ cells, limits }: BenchReport): LimitRow[] {
  const known = new Map(limits.map((limit) => [limit.name, limit]))
  const rows = cells.flatMap((cell): LimitRow[] => {
    const limit = known.get(cell.limit)
    return limit === undefined ? [] : [{ cell, limit, ratio: cell.p50 / limit.p50 }]
  })
  return rows.sort((one, other) => other.ratio - one.ratio)
}

export function nodesOf({ cells }: BenchReport): number[] {
  return [...new Set(cells.map(({ nodes }) => nodes))].sort((one, other) => one - other)
}

/** `alone` for one process. */
export function whereText(nodes: number): string {
  return nodes === 1 ? 'alone' : `${nodes} nodes`
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}
