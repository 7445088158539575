/** A report made by hand, with all that a report can have. */
import type { BenchReport, Cell } from '../../lib/bench/report-data.ts'

const limits = [
  { name: 'an atomic load and a Map look-up', p50: 0.015, p99: 0.05 },
  { name: 'a TLS and a port round trip', p50: 50, p99: 200 },
]

function cell(own: Partial<Cell>): Cell {
  return {
    store: 'LinFastRead',
    operation: 'read',
    placement: 'other node',
    transport: 'tcp',
    nodes: 3,
    contention: 'own fields',
    p50: 0.05,
    p99: 0.5,
    perSecond: 1_234_567,
    spread: [0.04, 0.06],
    messages: 0,
    bytes: 0,
    limit: 'an atomic load and a Map look-up',
    ...own,
  }
}

const stores = ['StrictCentralized', 'LinFastRead', 'Weak', 'UpdateOnRelease'] as const

const mixes = stores.flatMap((store, rank) =>
  [50, 90, 99, 99.9].flatMap((readShare) =>
    [1, 3].map((nodes) =>
      cell({
        store,
        operation: 'mix',
        placement: nodes === 1 ? 'other thread' : 'other node',
        transport: nodes === 1 ? 'thread' : 'tcp',
        nodes,
        readShare,
        contention: 'shared field',
        perSecond: (10_000 * (rank + 1)) / (100 - readShare),
      }),
    ),
  ),
)

const writes = stores.flatMap((store, rank) =>
  [2, 3, 4, 5].flatMap((nodes) =>
    (['other thread', 'other node'] as const).map((placement) =>
      cell({
        store,
        operation: 'write',
        placement,
        nodes,
        p50: (placement === 'other node' ? 100 : 40) + 10 * rank * nodes,
        messages: 3 * (nodes - 1),
        bytes: 500,
        limit: 'a TLS and a port round trip',
      }),
    ),
  ),
)

export const sample: BenchReport = {
  version: 1,
  mode: 'full',
  started: '2026-11-22T12:00:00.000Z',
  tookMs: 192_000,
  machine: { goaway: '0.5.0', node: 'v20.20.2', cores: 2, processor: 'A <processor> & "more"' },
  limits,
  cells: [cell({}), ...writes, ...mixes],
  targets: [
    {
      bench: 'stores',
      what: 'a read <script>alert(1)</script>, to a Map look-up',
      figures: { bare: 15, 'LinFastRead & read': 22 },
      unit: 'ns',
      ratio: 1.5,
      spread: [1.4, 1.6],
      wanted: { atMost: 2 },
      met: true,
    },
    {
      bench: 'map',
      what: 'map of trivial items, to piscina',
      figures: { 'goaway\u001b[2J': 1.2 },
      unit: 'µs',
      ratio: 12,
      wanted: { atLeast: 15 },
      met: false,
    },
  ],
  workloads: [
    {
      name: 'matrix multiply',
      where: '2 threads',
      workers: 2,
      serialMs: 4_000,
      tookMs: 2_100,
      speedUp: 1.9,
      bareSpeedUp: 1.95,
      messages: 0,
      bytes: 0,
    },
    {
      name: 'traveling salesman',
      where: '3 nodes',
      workers: 2,
      serialMs: 3_000,
      tookMs: 2_500,
      speedUp: 1.2,
      messages: 1_204,
      bytes: 190_000,
    },
  ],
  leftOut: ['Redis: redis-server is not installed; apt-get install redis-server'],
}
