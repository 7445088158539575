/** Routines of a cluster that are cancelled, wait too long, or lose their node. */
import { once } from 'node:events'
import { BroadcastChannel } from 'node:worker_threads'
import t from 'tap'
import { recordOf } from '../../lib/client/error-codec.ts'
import { GoawayError } from '../../lib/errors.ts'
import { ClusterRig } from './cluster-rig.ts'
import {
  begun,
  countFrom,
  double,
  failThenHold,
  hold,
  holdFirst,
  holdOpenly,
  neverYield,
  released,
  where,
} from './cluster-routines.ts'
import { newCounts, until } from './suite.ts'

const cancelled = recordOf(new GoawayError('ERR_GOAWAY_CANCELLED', 'not wanted'))
const one = [{ threads: 1, threadsMax: 1 }]

function release(words: Int32Array): void {
  Atomics.store(words, released, 1)
  Atomics.notify(words, released)
}

/** The name of the node where a routine says it has begun, when it does. */
async function heard(name: string): Promise<string> {
  const channel = new BroadcastChannel(name)
  const [event] = (await once(channel as never, 'message')) as [{ data: string }]
  channel.close()
  return event.data
}

t.test('cancel() before it is sent, before it begins, and while it runs', async (t) => {
  const rig = ClusterRig.make(t, { nodes: one })
  await rig.ready()
  const words = newCounts()
  const first = rig.submit(hold, [words])
  await until(() => Atomics.load(words, begun) === 1)
  const behind = rig.submit(hold, [words])
  await until(() => rig.ordered === 2)
  const more = Array.from({ length: 5 }, () => rig.submit(hold, [words]))
  await until(() => rig.spawner.cluster.waiting > 0)
  const last = more.at(-1) as number
  rig.executor.cancel(last, cancelled, 1_000)
  t.ok(rig.isSettled(last), 'at once, as it was not sent')
  rig.executor.cancel(behind, cancelled, 1_000)
  t.equal((await rig.error(behind)).code, 'ERR_GOAWAY_CANCELLED')
  t.equal(Atomics.load(words, begun), 1, 'it never began')
  release(words)
  await rig.results([first, ...more.slice(0, -1)])
  const open = newCounts()
  const running = rig.submit(holdOpenly, [open])
  await until(() => Atomics.load(open, begun) === 1)
  rig.executor.cancel(running, cancelled, Infinity)
  t.equal((await rig.error(running)).code, 'ERR_GOAWAY_CANCELLED')
  const stuck = rig.submit(hold, [newCounts()])
  await until(() => (rig.told.get(stuck)?.attempts.length ?? 0) > 0)
  rig.executor.cancel(stuck, cancelled, 0)
  t.equal((await rig.error(stuck)).code, 'ERR_GOAWAY_CANCELLED', 'by force')
  t.equal(await rig.result(rig.submit(double, [4])), 8)
})

t.test('queueTimeoutMs counts the whole wait, here and there', async (t) => {
  const rig = ClusterRig.make(t, { nodes: one })
  await rig.ready()
  const words = newCounts()
  const first = rig.submit(hold, [words], { queueTimeoutMs: 60_000 })
  await until(() => Atomics.load(words, begun) === 1)
  const since = performance.now()
  const late = Array.from({ length: 5 }, () => rig.submit(hold, [words], { queueTimeoutMs: 100 }))
  await until(() => late.every((routine) => rig.isSettled(routine)))
  t.ok(performance.now() - since >= 95)
  for (const routine of late) {
    t.equal((await rig.error(routine)).code, 'ERR_GOAWAY_QUEUE_TIMEOUT')
  }
  t.ok(rig.ordered > 1 && rig.ordered < 6, 'one at least had been sent, and not all')
  t.notOk(rig.isSettled(first))
  release(words)
  await rig.result(first)
  t.equal(Atomics.load(words, begun), 1)
})

t.test('timeoutMs counts from the start, at the node', async (t) => {
  const rig = ClusterRig.make(t, { nodes: one })
  const words = newCounts()
  const terms = { timeoutMs: 50, graceMs: 0 }
  const error = await rig.error(rig.submit(holdOpenly, [words], terms))
  t.match(error, { code: 'ERR_GOAWAY_TIMEOUT', node: 'node-1', maybeExecuted: true })
})

t.test('A lost node: what ran there fails, what waited goes elsewhere', async (t) => {
  const rig = ClusterRig.make(t, { nodes: [...one, ...one] })
  await rig.ready()
  const [lost, other] = rig.nodes
  const running = rig.submit(holdFirst, ['lost'], { on: 'node-1' })
  await heard('lost')
  const words = newCounts()
  const held = rig.submit(hold, [words], { on: 'node-2' })
  await until(() => Atomics.load(words, begun) === 1)
  const named = Array.from({ length: 5 }, () => rig.submit(where, [], { on: 'node-1' }))
  const free = Array.from({ length: 10 }, () => rig.submit(where, []))
  // One more of each has been sent, and waits behind what holds the thread.
  await until(() => rig.ordered >= 4)
  t.ok(rig.spawner.cluster.waiting > 0)
  lost?.cut()
  t.match(await rig.error(running), {
    code: 'ERR_GOAWAY_NODE_LOST',
    node: 'node-1',
    maybeExecuted: true,
    attempt: 1,
  })
  for (const routine of named) {
    const { code, node } = await rig.error(routine)
    t.same([code, node], ['ERR_GOAWAY_NODE_LOST', 'node-1'])
  }
  t.equal((await rig.error(rig.submit(where, [], { on: 'node-1' }))).code, 'ERR_GOAWAY_NODE_LOST')
  release(words)
  t.equal(await rig.result(held), 'node-2')
  await until(() => free.every((routine) => rig.isSettled(routine)))
  const outcomes = free.map((routine) => rig.told.get(routine)?.outcome)
  t.ok(outcomes.filter((outcome) => outcome?.ok === true).length >= 8, 'only what was sent is lost')
  await until(() => lost?.cluster.threads.routines === 0)
  t.equal(other?.cluster.threads.routines, 0)
})

t.test('What may be repeated runs again elsewhere, so often as it may in all', async (t) => {
  const nodes = [...one, ...one, ...one]
  const rig = ClusterRig.make(t, { nodes })
  await rig.ready()
  const again = rig.submit(holdFirst, ['again'], { attemptsMax: 2 })
  const first = await heard('again')
  const third = rig.submit(failThenHold, ['third'], { attemptsMax: 4 })
  const second = await heard('third')
  t.not(first, second)
  // Its third attempt was told, and is so counted.
  await until(() => rig.told.get(third)?.attempts.includes(3) === true)
  for (const node of rig.nodes) if (node.name === first || node.name === second) node.cut()
  const result = String(await rig.result(again))
  t.match(result, / 2$/)
  t.notMatch(result, first)
  t.match(String(await rig.result(third)), / 4$/)
})

t.test('No attempt is left, or a value was given: it is lost with its node', async (t) => {
  const rig = ClusterRig.make(t, { nodes: one })
  await rig.ready()
  const stream = rig.submit(countFrom, ['stream'], { attemptsMax: 3 })
  rig.give(stream, 5)
  await heard('stream')
  await until(() => rig.values(stream).length === 1)
  const waiting = rig.submit(where, [])
  rig.nodes[0]?.cut()
  t.match(await rig.error(stream), { code: 'ERR_GOAWAY_NODE_LOST', maybeExecuted: true })
  t.equal((await rig.error(waiting)).code, 'ERR_GOAWAY_NODE_LOST', 'there is no other node')
  t.equal((await rig.error(rig.submit(where, []))).code, 'ERR_GOAWAY_NODE_LOST')
  t.equal(await rig.result(rig.submit(where, [], { on: 'local' })), 'node-0')
})

t.test('A generator of which nothing is wanted any more is not made again', async (t) => {
  const rig = ClusterRig.make(t, { nodes: [...one, ...one] })
  await rig.ready()
  const stream = rig.submit(neverYield, ['unwanted'], { attemptsMax: 3 })
  rig.give(stream, 1)
  const place = await heard('unwanted')
  rig.executor.finish(stream)
  for (const node of rig.nodes) if (node.name === place) node.cut()
  t.equal((await rig.error(stream)).code, 'ERR_GOAWAY_CANCELLED')
})
