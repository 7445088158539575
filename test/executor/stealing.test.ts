/**
 * Routines that wait at a busy node begin at an idle one (docs/protocols/placement.md, step 7).
 * What keeps a thread busy goes on until the others are over: were they not moved, nothing would.
 */
import { BroadcastChannel } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { recordOf } from '../../lib/client/error-codec.ts'
import { GoawayError } from '../../lib/errors.ts'
import { ClusterRig } from './cluster-rig.ts'
import {
  begun,
  countTo,
  hold,
  holdOpenly,
  released,
  startAndHold,
  tellWhere,
  where,
} from './cluster-routines.ts'
import { newCounts, until } from './suite.ts'

const one = { threads: 1, threadsMax: 1 }

function release(words: Int32Array): void {
  Atomics.store(words, released, 1)
  Atomics.notify(words, released)
}

interface Held {
  readonly words: Int32Array
  readonly routine: number
}

/** Keeps the one thread of a node busy. */
async function keepBusy(rig: ClusterRig, node: string): Promise<Held> {
  const words = newCounts()
  const routine = rig.submit(hold, [words], { on: node })
  await until(() => Atomics.load(words, begun) === 1)
  return { words, routine }
}

/** Lets it end: its node is idle again. */
async function free(rig: ClusterRig, { words, routine }: Held): Promise<void> {
  release(words)
  await rig.result(routine)
}

/** Two nodes, both of them busy, and what is then submitted: some of it waits at each. */
async function twoBusyNodes(t: Test): Promise<{ rig: ClusterRig; long: Held; short: Held }> {
  const rig = ClusterRig.make(t, { nodes: [one, { ...one, labels: ['big'] }] })
  await rig.ready()
  const long = await keepBusy(rig, 'node-1')
  const short = await keepBusy(rig, 'node-2')
  return { rig, long, short }
}

/** Routines that node has and that have not begun. */
function waitingAt(rig: ClusterRig, node: number): number {
  return rig.nodes[node - 1]?.cluster.threads.counts.waiting ?? 0
}

/** How often that node has answered what it can give back. */
function answersOf(rig: ClusterRig, node: number): number {
  return rig.nodes[node - 1]?.sent.filter(([kind]) => kind === 'recalled').length ?? 0
}

t.test('What waits behind a long routine begins at a node that becomes idle', async (t) => {
  const { rig, long, short } = await twoBusyNodes(t)
  const many = Array.from({ length: 6 }, () => rig.submit(where, []))
  await until(() => waitingAt(rig, 1) > 0 && waitingAt(rig, 2) > 0)
  await free(rig, short)
  t.same(await rig.results(many), Array(6).fill('node-2'))
  t.notOk(rig.isSettled(long.routine))
  await free(rig, long)
  t.same(rig.broken, [])
})

t.test('Children that wait at the node of their parent move as well', async (t) => {
  const rig = ClusterRig.make(t, { nodes: [one, one] })
  await rig.ready()
  const short = await keepBusy(rig, 'node-2')
  const name = 'children told'
  const told: string[] = []
  const channel = new BroadcastChannel(name)
  channel.onmessage = (event) => told.push((event as { data: string }).data)
  const words = newCounts()
  const parent = rig.submit(startAndHold, [words, name, 5], { on: 'node-1' })
  await until(() => waitingAt(rig, 1) > 0 && waitingAt(rig, 2) > 0)
  await free(rig, short)
  await until(() => told.length === 5)
  t.same(told, Array(5).fill('node-2'))
  release(words)
  await rig.result(parent)
  channel.close()
})

t.test('It stays where its wish keeps it, or moves to whom the wish names too', async (t) => {
  const { rig, long, short } = await twoBusyNodes(t)
  const here = rig.submit(where, [], { on: 'node-1' })
  await until(() => waitingAt(rig, 1) > 0)
  const before = answersOf(rig, 1)
  await free(rig, short)
  t.equal(await rig.result(rig.submit(where, [])), 'node-2')
  // The node was asked, and has answered that it can give nothing.
  await until(() => answersOf(rig, 1) > before)
  t.notOk(rig.isSettled(here))
  const kept = rig.submit(hold, [newCounts()], { on: 'node-1' })
  await free(rig, long)
  t.equal(await rig.result(here), 'node-1')
  const reason = recordOf(new GoawayError('ERR_GOAWAY_CANCELLED', 'enough'))
  rig.executor.cancel(kept, reason, 0)
  t.equal((await rig.error(kept)).code, 'ERR_GOAWAY_CANCELLED')
})

t.test('What lies on a port stays: it can be sent once only', async (t) => {
  const { rig, long, short } = await twoBusyNodes(t)
  const words = newCounts()
  const held = Array.from({ length: 2 }, () => rig.submit(holdOpenly, [words]))
  await until(() => waitingAt(rig, 1) > 0 && waitingAt(rig, 2) > 0)
  const before = answersOf(rig, 1)
  await free(rig, short)
  release(words)
  await until(() => held.some((routine) => rig.isSettled(routine)))
  // Its node has nothing to do now, and the other was asked for its sake.
  await until(() => answersOf(rig, 1) > before)
  t.equal(Atomics.load(words, begun), 1, 'the other has not begun')
  await free(rig, long)
  t.same((await rig.results(held)).sort(), ['node-1', 'node-2'])
})

t.test('A generator that has moved gives all that it was asked for before', async (t) => {
  const { rig, long, short } = await twoBusyNodes(t)
  const streams = Array.from({ length: 2 }, () => rig.submit(countTo, [3]))
  for (const stream of streams) rig.give(stream, 5)
  await until(() => waitingAt(rig, 1) > 0 && waitingAt(rig, 2) > 0)
  await free(rig, short)
  await rig.results(streams)
  for (const stream of streams) {
    t.same(
      rig.values(stream),
      [1, 2, 3].map((value) => ['node-2', value]),
    )
  }
  await free(rig, long)
})

t.test('What has moved counts no attempt, and may be repeated as often as before', async (t) => {
  const { rig, long, short } = await twoBusyNodes(t)
  const name = 'repeatable'
  const told: string[] = []
  const channel = new BroadcastChannel(name)
  channel.onmessage = (event) => told.push((event as { data: string }).data)
  const terms = { attemptsMax: 3 }
  const many = Array.from({ length: 4 }, () => rig.submit(tellWhere, [name], terms))
  await until(() => waitingAt(rig, 1) > 0 && waitingAt(rig, 2) > 0)
  await free(rig, short)
  await rig.results(many)
  await until(() => told.length >= 4)
  t.same(told, Array(4).fill('node-2'), 'each ran once')
  t.ok(many.every((routine) => rig.told.get(routine)?.attempts.every((attempt) => attempt === 1)))
  channel.close()
  await free(rig, long)
})
