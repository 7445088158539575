/** `map` over the nodes of a cluster, and what becomes of it when one of them is lost. */
import process from 'node:process'
import { init, map, shutdown } from 'goaway'
import t from 'tap'
import { failAtSevens, pair, square, sumOfSquares, tellNode } from '../handles/map-routines.ts'
import { localCluster, patience } from './local-cluster.ts'
import { hangAtFirst, killNodeOnce, kills, tellNodeOfBoth } from './map-routines.ts'

Object.assign(process.env, localCluster(t, {}).env, { GOAWAY_CLUSTER: '' })
await init({
  launch: 'local',
  ...patience,
  nodes: [
    { name: 'first', threads: 1 },
    { name: 'second', threads: 1 },
  ],
  threads: 0,
})
t.teardown(() => shutdown({ graceMs: 0 }))

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at)

t.test('Chunks go to all nodes, and results come back in order', async (t) => {
  const squares = numbers(50_000).map((one) => one * one)
  t.same(await map(square, numbers(50_000)), squares)
  const nodes = await map(tellNodeOfBoth, numbers(40), { chunkSize: 2 })
  t.same(new Set(nodes), new Set(['first', 'second']))
  t.same(new Set(await map(tellNode, numbers(9), { on: 'second' })), new Set(['second']))
  const read: number[] = []
  for await (const value of map(square, numbers(5_000))) read.push(value)
  t.same(read, squares.slice(0, 5_000))
})

t.test('Errors and large values come over links', async (t) => {
  const error = map(failAtSevens, [1, 2, 7])
  await t.rejects(error, { name: 'RangeError', index: 2, node: /first|second/ })
  const large = numbers(8).map((fill) => new Uint8Array(600_000).fill(fill))
  const results = (await map(pair, large)) as [Uint8Array, number][]
  t.ok(results.every(([bytes, at]) => bytes.length === 600_000 && bytes[599_999] === at))
  t.same(await map(sumOfSquares, [10, 100]), [285, 328350], 'from within routines too')
})

t.test('What lags at one node is started a second time at another', async (t) => {
  const options = { idempotent: true, hedge: true, chunkSize: 1 }
  t.same(await map(hangAtFirst, numbers(7), options), Array(7).fill('second'))
  t.ok(kills.hung > 0, 'some began at the other')
})

t.test('What a lost node had runs again on another', async (t) => {
  const options = { idempotent: true, retries: 2, chunkSize: 1 }
  t.same(await map(killNodeOnce, numbers(12), options), numbers(12))
  t.equal(kills.calls, 2)
})
