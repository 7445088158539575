/** Values that are put, at the nodes of a cluster: what crosses links, and what is held where. */
import process from 'node:process'
import { goaway, init, map, put, type Ref, shutdown } from 'goaway'
import t, { type Test } from 'tap'
import { unacknowledgedBytesMax } from '../../lib/limits.ts'
import {
  collect,
  countShared,
  detachedLength,
  getKept,
  keep,
  killSelf,
  lengthOfValue,
  letKeptGo,
  nodeName,
  passOn,
  putHere,
  sumOf,
} from '../handles/put-routines.ts'
import { localCluster, patience } from './local-cluster.ts'

Object.assign(process.env, localCluster(t, {}).env, { GOAWAY_CLUSTER: '' })
const names = ['first', 'second', 'third']
const cluster = await init({
  launch: 'local',
  ...patience,
  nodes: names.map((name) => ({ name, threads: 1, threadsMax: 1 })),
  threads: 0,
})
t.teardown(() => shutdown({ graceMs: 0 }))

const at = (on: string) => goaway.with({ on })
const mebibyte = 2 ** 20

async function bytesSent(): Promise<number> {
  return (await cluster.stats()).reduce((sum, node) => sum + node.bytesSent, 0)
}

async function held(): Promise<Record<string, [refs: number, bytes: number]>> {
  const stats = await cluster.stats()
  return Object.fromEntries(stats.map(({ name, refs, refBytes }) => [name, [refs, refBytes]]))
}

/** Looks until no node holds anything: what has let go is told of by messages on their way. */
async function whenFree(t: Test): Promise<void> {
  const until = performance.now() + 60_000
  const isFree = async (): Promise<boolean> =>
    Object.values(await held()).every(([refs, bytes]) => refs === 0 && bytes === 0)
  while (!(await isFree()) && performance.now() < until) {
    const members = cluster.nodes().filter(({ spawner }) => !spawner)
    await Promise.all([collect(), ...members.map(({ name }) => at(name)(collect))])
  }
  t.same(
    Object.values(await held())
      .flat()
      .filter(Boolean),
    [],
    'nothing is held anywhere',
  )
}

/** A ref that this function alone has known by name. */
function putOnce<T>(value: T): Ref<T> {
  return put(value)
}

t.test('A value crosses to each node once, however many routines take it', async (t) => {
  const ref = put(new Float64Array(2 * mebibyte).fill(0.5))
  const before = await bytesSent()
  const sums = Array.from({ length: 16 }, (_, one) => at(names[one % 2] as string)(sumOf, ref))
  t.same(new Set(await Promise.all(sums)), new Set([mebibyte]))
  const sent = (await bytesSent()) - before
  // A link that broke, because a process stood still, sends again what was not acknowledged.
  const most = 32 * mebibyte + unacknowledgedBytesMax + mebibyte / 2
  t.ok(sent >= 32 * mebibyte && sent < most, `${sent} bytes, and not three times 16 MiB`)
  const { first, third } = await held()
  t.ok((first?.[1] ?? 0) >= 16 * mebibyte)
  t.same(third, [0, 0], 'where nobody reads it it is not')
  t.same(
    new Set(
      await map(
        lengthOfValue,
        Array.from({ length: 20 }, () => ref),
      ),
    ),
    new Set([2 * mebibyte]),
  )
  ref.release()
  await whenFree(t)
})

t.test('A copy stays where nobody holds it for a while', async (t) => {
  const ref = put(new Float64Array(mebibyte).fill(0.5))
  await at('first')(sumOf, ref)
  await at('first')(collect)
  const before = await bytesSent()
  t.equal(await at('first')(sumOf, ref), mebibyte / 2)
  const sent = (await bytesSent()) - before
  t.ok(sent < mebibyte, `${sent} bytes`)
  ref.release()
  await whenFree(t)
})

t.test('A ref goes from node to node, and back to who put it', async (t) => {
  const through = await at('first')(passOn, putOnce(new Uint8Array(mebibyte)), ['second', 'third'])
  t.same(through, ['third', mebibyte])
  const given = await at('second')(putHere, 'x'.repeat(100_000))
  t.equal(await at('third')(lengthOfValue, given as Ref<string>), 100_000)
  t.equal(await at('second')(lengthOfValue, given as Ref<string>), 100_000)
  t.equal(((await given.get()) as string).length, 100_000)
  given.release()
  await whenFree(t)
})

t.test('A thread of a node holds what it keeps, and others let go', async (t) => {
  await at('first')(keep, putOnce([1, 2, 3]))
  await collect()
  t.same((await held()).first?.[0], 1)
  t.same(await at('first')(getKept), [1, 2, 3])
  await at('first')(letKeptGo)
  await whenFree(t)
})

t.test('Failed, cancelled and repeated routines let their arguments go', async (t) => {
  const ref = putOnce(new Uint8Array(mebibyte))
  const routines = names.map((name) => at(name)(lengthOfValue, ref as never))
  routines[0]?.cancel()
  const failed = at('second')(sumOf, ref as never)
  ref.release()
  await Promise.allSettled([...routines, failed])
  await whenFree(t)
})

t.test(
  'Shared memory stays at its node, by chance too, and is named where it may not',
  async (t) => {
    const shared = new Int32Array(new SharedArrayBuffer(8))
    const nodes = await Promise.all(names.map(() => goaway(nodeName, shared)))
    t.same(new Set(nodes), new Set([cluster.nodes().find(({ spawner }) => spawner)?.name]))
    t.equal(await at('local')(countShared, { deep: [shared] }), 1)
    t.equal(shared[0], 1)
    const options = { code: 'ERR_GOAWAY_VALUE', message: /put\(\).*store.*on: 'local'/ }
    const refused = at('first')(nodeName, 1, { deep: [shared] })
    await t.rejects(refused, { ...options, message: /^argument 2\.deep\[0\].* "first"/ })
    await t.rejects(at('first')(nodeName, shared), options)
    const item = map(nodeName, [1, shared], { on: 'first', chunkSize: 2 })
    await t.rejects(item, { ...options, message: /^item 1 cannot leave its process/ })
    t.same(await map(countShared, [{ deep: [shared] }]), [2], 'an item runs where the memory is')
  },
)

t.test('What is moved is gone here, and copied over the link', async (t) => {
  const buffer = new ArrayBuffer(mebibyte)
  const moved = goaway.with({ transfer: [buffer], on: 'first' })(detachedLength, buffer)
  t.equal(buffer.byteLength, 0)
  t.equal(await moved, mebibyte)
})

t.test('Copies outlive the node that put the value; where there is none it is lost', async (t) => {
  const given = (await at('third')(putHere, new Uint8Array(mebibyte))) as Ref<Uint8Array>
  t.equal(await at('first')(lengthOfValue, given), mebibyte)
  await at('first')(keep, given)
  const left = new Promise<void>((resolve) => {
    cluster.on('leave', () => resolve())
  })
  await at('third')(killSelf).catch(() => {})
  await left
  t.equal(((await at('first')(getKept)) as Uint8Array).length, mebibyte)
  const lost = { code: 'ERR_GOAWAY_NODE_LOST', message: /Cannot get the value of ref/ }
  await t.rejects(given.get(), lost)
  await t.rejects(at('second')(lengthOfValue, given), lost)
  await at('first')(letKeptGo)
  given.release()
  await whenFree(t)
})
