/** `put` on simulated clusters: refs between nodes, by virtual time, and what faults make of it. */
import t from 'tap'
import { context, goaway, map, put, type Ref } from '../../lib/index.ts'
import { read } from '../../lib/sync.ts'
import { simulate } from '../../lib/testing.ts'

const length = 50_000

t.test('Routines of a simulated cluster read what was put, here and there', async (t) => {
  await simulate({ seed: 11, seeds: 5 }, async () => {
    const ref = put(new Float64Array(length).fill(2))
    const nodes = new Set<string>()
    const sum = async (one: Ref<Float64Array>): Promise<[string, number]> => {
      const value = await one.get({ shared: true })
      return [context().node, value.reduce((all, next) => all + next, 0)]
    }
    const results = await map(
      sum,
      Array.from({ length: 30 }, () => ref),
      { chunkSize: 1 },
    )
    for (const [node] of results) nodes.add(node)
    t.ok(nodes.size > 1)
    t.ok(results.every(([, all]) => all === 2 * length))
    const made = await goaway.with({ on: 'node-2' })(() => put(['made', 'there']))
    ref.release()
    t.same(await made.get(), ['made', 'there'])
    const across = goaway.with({ on: 'node-3' })(async (one: Ref<string[]>) => one.get(), made)
    t.same(await across, ['made', 'there'])
  })
})

t.test('What is written to shared memory is seen at no other node', async (t) => {
  await simulate({ seed: 14 }, async () => {
    const ref = put(new Uint8Array(100_000))
    const write = async (one: Ref<Uint8Array>) => (await one.get({ shared: true })).fill(7)[0]
    t.equal(await goaway.with({ on: 'node-2' })(write, ref), 7)
    t.equal((await ref.get())[0], 0)
  })
})

t.test('read() says what to use in a simulation', async (t) => {
  await simulate({ seed: 15 }, async () => {
    const blocking = goaway.with({ on: 'node-2' })((one: Ref<number>) => read(one), put(1))
    const message = /: read\(\) of a Ref; use ref\.get\(\), /
    await t.rejects(blocking, { code: 'ERR_GOAWAY_DEADLOCK', message })
  })
})

t.test('With the node that put it a value is lost, but not its copies', async (t) => {
  await simulate({ seed: 12, seeds: 5 }, async (world) => {
    const made = await goaway.with({ on: 'node-2' })(() => put('x'.repeat(length)))
    const unread = await goaway.with({ on: 'node-2' })(() => put('y'))
    await made.get()
    world.crash('node-2')
    t.equal((await made.get()).length, length)
    await t.rejects(unread.get(), { code: 'ERR_GOAWAY_NODE_LOST' })
  })
})

t.test('The same seed gives the same run, with faults', async (t) => {
  const once = () =>
    simulate({ seed: 13, seeds: 3, faults: true }, async () => {
      const ref = put({ list: [1, 2, 3] })
      const options = { idempotent: true, retries: 9 }
      const lengthOf = async (one: Ref<{ list: number[] }>) => (await one.get()).list.length
      t.same(await map(lengthOf, [ref, ref, ref, ref], options), [3, 3, 3, 3])
      ref.release()
    })
  t.same((await once()).hashes, (await once()).hashes)
})
