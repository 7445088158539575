/** Where routines of a cluster run, and how many are sent in advance. */
import t from 'tap'
import { ClusterRig } from './cluster-rig.ts'
import {
  begun,
  double,
  hold,
  holdForTurn,
  released,
  tree,
  where,
  whereOfChildren,
  withOneChild,
} from './cluster-routines.ts'
import { newCounts, until } from './suite.ts'

function release(words: Int32Array): void {
  Atomics.store(words, released, 1)
  Atomics.notify(words, released)
}

function countOf(values: readonly unknown[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[String(value)] = (counts[String(value)] ?? 0) + 1
  return counts
}

t.test('Routines go to the node with the least load', async (t) => {
  const rig = ClusterRig.make(t, { nodes: [{ threads: 2 }, { threads: 2 }] })
  await rig.ready()
  const words = newCounts()
  const routines = Array.from({ length: 4 }, () => rig.submit(hold, [words]))
  await until(() => Atomics.load(words, begun) === 4)
  release(words)
  const places = await rig.results(routines)
  t.same(countOf(places), { 'node-1': 2, 'node-2': 2 })
})

t.test('The spawner computes as well, last', async (t) => {
  const rig = ClusterRig.make(t, { spawner: 2, nodes: [{ threads: 1 }, { threads: 1 }] })
  await rig.ready()
  const words = newCounts()
  const first = Array.from({ length: 2 }, () => rig.submit(hold, [words]))
  await until(() => Atomics.load(words, begun) === 2)
  const more = Array.from({ length: 2 }, () => rig.submit(hold, [words]))
  await until(() => Atomics.load(words, begun) === 4)
  release(words)
  const places = (all: number[]) => rig.results(all)
  t.same(countOf(await places(first)), { 'node-1': 1, 'node-2': 1 })
  t.same(countOf(await places(more)), { 'node-0': 2 })
})

t.test('A node is sent what it begins soon, not the whole backlog', async (t) => {
  const rig = ClusterRig.make(t, { nodes: [{ threads: 1 }] })
  await rig.ready()
  const words = newCounts()
  const routines = Array.from({ length: 50 }, () => rig.submit(hold, [words]))
  await until(() => Atomics.load(words, begun) === 1)
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.ok(rig.ordered <= 3, `${rig.ordered} of 50 were sent`)
  t.equal(rig.spawner.cluster.waiting, 50 - rig.ordered)
  release(words)
  await rig.results(routines)
  t.equal(rig.ordered, 50)
})

t.test('Many short routines all come back', async (t) => {
  const rig = ClusterRig.make(t, { nodes: [{ threads: 2 }, { threads: 2 }] })
  await rig.ready()
  const many = Array.from({ length: 5_000 }, (_, value) => rig.submit(double, [value]))
  const results = await rig.results(many)
  t.ok(results.every((result, index) => result === index * 2))
})

t.test('Fork and join over two nodes comes to its end', async (t) => {
  const rig = ClusterRig.make(t, { nodes: [{ threads: 1 }, { threads: 2 }] })
  t.equal(await rig.result(rig.submit(tree, [7])), 2 ** 8 - 1)
  const [one, two] = rig.nodes.map(({ sent }) => sent.filter(([kind]) => kind === 'order').length)
  t.ok((one as number) + (two as number) > 0, 'they have ordered of one another')
})

t.test('Parents that wait do not keep their children waiting', async (t) => {
  const rig = ClusterRig.make(t, { nodes: [{ threads: 1, threadsMax: 2 }] })
  const many = Array.from({ length: 40 }, (_, value) => rig.submit(withOneChild, [value]))
  const results = await rig.results(many)
  t.same(
    results,
    results.map((_, index) => index * 2),
  )
})

t.test('A routine starts others from wherever it runs', async (t) => {
  const rig = ClusterRig.make(t, { nodes: [{ threads: 1 }, { threads: 1 }] })
  await rig.ready()
  const children = (await rig.result(rig.submit(whereOfChildren, [20]))) as string[]
  t.equal(children.length, 20)
  t.ok(children.every((name) => /^node-[12]$/.test(name)))
})

t.test('on: a node, a label, or where it was started', async (t) => {
  const rig = ClusterRig.make(t, { nodes: [{ labels: ['big'] }, { labels: ['big', 'gpu'] }] })
  await rig.ready()
  // What is held lies on a port and does not move: only now, before anything ran, is it known that
  // both nodes have all their threads idle.
  const words = newCounts()
  const big = Array.from({ length: 4 }, () => rig.submit(hold, [words], { on: 'big' }))
  await until(() => Atomics.load(words, begun) === 4)
  release(words)
  const places = await rig.results(big)
  t.same(countOf(places), { 'node-1': 2, 'node-2': 2 })
  const at = async (on: string): Promise<unknown> => rig.result(rig.submit(where, [], { on }))
  t.equal(await at('node-2'), 'node-2')
  t.equal(await at('node-1'), 'node-1')
  t.equal(await at('gpu'), 'node-2')
  t.equal(await at('local'), 'node-0', 'even where the spawner computes nothing else')
  for (const on of ['node-9', 'Local', 'node-0']) {
    const error = await rig.error(rig.submit(where, [], { on }))
    t.equal(error.code, 'ERR_GOAWAY_CONFIG')
    t.match(error.message, /where.*there are local, node-1, big, node-2, gpu$/)
  }
})

t.test('A busy node that is asked for by name keeps nobody else waiting', async (t) => {
  const rig = ClusterRig.make(t, { nodes: [{ threads: 1 }, { threads: 1 }] })
  await rig.ready()
  const words = newCounts()
  const held = Array.from({ length: 10 }, () => rig.submit(hold, [words], { on: 'node-1' }))
  await until(() => Atomics.load(words, begun) === 1)
  const many = Array.from({ length: 20 }, () => rig.submit(where, [], { priority: -1 }))
  // One may have been sent behind the one that holds its thread.
  await until(() => many.filter((routine) => rig.isSettled(routine)).length >= 18)
  release(words)
  await rig.results([...held, ...many])
})

t.test('Higher priority goes first, from the backlog of the spawner', async (t) => {
  const rig = ClusterRig.make(t, { nodes: [{ threads: 1, threadsMax: 1 }] })
  await rig.ready()
  const words = newCounts()
  const held = Array.from({ length: 4 }, () => rig.submit(holdForTurn, [words]))
  await until(() => Atomics.load(words, begun) === 1)
  const low = rig.submit(holdForTurn, [words])
  const high = rig.submit(holdForTurn, [words], { priority: 1 })
  release(words)
  const [turn = Infinity, ...others] = (await rig.results([high, ...held, low])) as number[]
  // The first had begun, and the second had been sent in advance.
  const later = others.slice(2).filter((other) => other > turn)
  t.equal(later.length, 3, `it went on as ${turn}, others as ${others}`)
})
