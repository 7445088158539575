/**
 * Which cells are measured. All of them would take hours and say little more; these answer three
 * questions: which model for which read share, what another node costs, how far from the limit.
 * `docs/bench.md` says what is left out, and why.
 */
import type { Limit } from './matrix-limits.ts'
import type { OperationName, StoreName, Task } from './matrix-routines.ts'
import type { Cell } from './report-data.ts'

/**
 * Who asks: the program's own thread, a routine at the node that serves, one at another node, and
 * one at the program's own node, which in a cluster serves nothing.
 */
export type Caller = 'main' | 'server' | 'other' | 'spawner'

export interface PlannedCell {
  readonly labels: Pick<
    Cell,
    'store' | 'operation' | 'placement' | 'transport' | 'nodes' | 'readShare' | 'contention'
  >
  /** Each caller with its task; all of them at the same time. */
  readonly callers: readonly { readonly at: Caller; readonly task: Task }[]
  readonly limit: Limit
}

/** What is wanted of all there is; undefined: whatever the mode has. */
export interface MatrixFilter {
  readonly stores?: readonly StoreName[] | undefined
  readonly operations?: readonly OperationName[] | undefined
  readonly placements?: readonly Cell['placement'][] | undefined
}

const operationsOf: Readonly<Record<StoreName, readonly OperationName[]>> = {
  StrictCentralized: ['read', 'write', 'add', 'update'],
  LinFastRead: ['read', 'write', 'add', 'update'],
  Weak: ['read', 'write', 'add', 'write and sync'],
  UpdateOnRelease: ['read', 'section of 1 write', 'section of 10 writes'],
  Lock: ['acquire and release'],
}

export const storeNames = Object.keys(operationsOf) as readonly StoreName[]
export const operationNames: readonly OperationName[] = [
  ...new Set(Object.values(operationsOf).flat()),
  'mix',
]
export const placementNames: readonly Cell['placement'][] = [
  'same thread',
  'other thread',
  'other node',
]

/** Percent of reads, and of how many operations one writes. */
const shares: ReadonlyMap<number, number> = new Map([
  [50, 2],
  [90, 10],
  [99, 100],
  [99.9, 1_000],
])
/** The share at which contention is looked at. */
const contendedShare = 90
/** Numbers of nodes with mixes: alone, a small cluster, and a larger one. */
const mixedNodes = [1, 3, 5]

/** All cells of so many nodes. */
export function planCells(nodes: number, filter: MatrixFilter): PlannedCell[] {
  const { stores, operations } = filter
  return [...singleCells(nodes), ...mixedCells(nodes)].filter(
    ({ labels }) =>
      (stores?.includes(labels.store as StoreName) ?? true) &&
      (operations?.includes(labels.operation as OperationName) ?? true) &&
      (filter.placements?.includes(labels.placement) ?? true),
  )
}

function* singleCells(nodes: number): Generator<PlannedCell> {
  const callers: readonly Caller[] = nodes === 1 ? ['main', 'server'] : ['server', 'other']
  for (const store of storeNames) {
    for (const operation of operationsOf[store]) {
      for (const at of callers) {
        // Each caller has its own object, and is alone with it.
        const object = callers.indexOf(at)
        yield {
          labels: { store, operation, ...placed(at, nodes), contention: 'own fields' },
          callers: [{ at, task: { store, operation, cycle: 1, object, locked: false } }],
          limit: limitOf(store, operation, at, nodes),
        }
      }
    }
  }
}

function* mixedCells(nodes: number): Generator<PlannedCell> {
  if (!mixedNodes.includes(nodes)) return
  for (const store of storeNames) {
    if (store === 'Lock') continue
    for (const [share, cycle] of shares) {
      for (const contention of ['own fields', 'shared field', 'under a lock'] as const) {
        if (contention === 'under a lock' && share !== contendedShare) continue
        yield mixedCell({ store, share, cycle, contention, nodes })
      }
    }
  }
}

interface Mix {
  readonly store: StoreName
  readonly share: number
  readonly cycle: number
  readonly contention: Cell['contention']
  readonly nodes: number
}

/** Two callers: threads of one process, or at two nodes, neither of which serves the object. */
function mixedCell({ store, share, cycle, contention, nodes }: Mix): PlannedCell {
  const locked = contention === 'under a lock'
  const at: readonly Caller[] = nodes === 1 ? ['server', 'server'] : ['other', 'spawner']
  const [first] = at as [Caller]
  const callers = at.map((caller, index) => {
    const object = contention === 'own fields' ? 10 + index : 20
    return { at: caller, task: { store, operation: 'mix' as const, cycle, object, locked } }
  })
  const write = store === 'UpdateOnRelease' ? 'section of 1 write' : 'write'
  const limit = (of: StoreName, operation: OperationName): Limit =>
    limitOf(of, operation, first, nodes)
  const parts = [
    times(limit(store, 'read'), 1 - 1 / cycle),
    times(limit(store, write), 1 / cycle),
  ] as const
  return {
    labels: { store, operation: 'mix', ...placed(first, nodes), readShare: share, contention },
    callers,
    limit: locked ? limit('Lock', 'acquire and release') : added(...parts),
  }
}

const placements = {
  main: 'same thread',
  server: 'other thread',
  other: 'other node',
  spawner: 'other node',
} as const satisfies Record<Caller, Cell['placement']>

function placed(at: Caller, nodes: number): Pick<Cell, 'placement' | 'transport' | 'nodes'> {
  const placement = placements[at]
  return { placement, transport: nodes === 1 ? 'thread' : 'tcp', nodes }
}

/** What no protocol with the same promise could do without. */
function limitOf(store: StoreName, operation: OperationName, at: Caller, nodes: number): Limit {
  const isFar = placements[at] === 'other node'
  const trip: Limit = isFar ? { tls: 1, port: 1 } : { port: 1 }
  if (operation === 'read') return store === 'StrictCentralized' && isFar ? trip : { load: 1 }
  if (store === 'Weak') {
    if (operation === 'write') return { post: 1 }
    // Its answer is the sum, which the node's hub alone knows.
    if (operation === 'add') return { port: 1 }
    return nodes === 1 ? { port: 1 } : { tls: 1, port: 1 }
  }
  // All members have to have it, which another node first asks the home for.
  if (store === 'LinFastRead' && nodes > 1) return { tls: isFar ? 2 : 1, port: 1 }
  return trip
}

function times(limit: Limit, factor: number): Limit {
  return Object.fromEntries(Object.entries(limit).map(([part, value]) => [part, value * factor]))
}

function added(one: Limit, other: Limit): Limit {
  const parts = [...new Set([...Object.keys(one), ...Object.keys(other)])] as (keyof Limit)[]
  return Object.fromEntries(parts.map((part) => [part, (one[part] ?? 0) + (other[part] ?? 0)]))
}
