/** `map` on simulated clusters: any function, by virtual time, and what faults make of it. */
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { context, goaway, map, StrictCentralized } from '../../lib/index.ts'
import { simulate, type World } from '../../lib/testing.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at)

t.test('map() runs on the nodes of a simulated cluster', async (t) => {
  await simulate({ seed: 3 }, async () => {
    const factor = 3
    const tell = (value: number) => ({ value: value * factor, node: context().node })
    const results = await map(tell, numbers(200), { chunkSize: 10 })
    t.same(
      results.map(({ value }) => value),
      numbers(200).map((one) => one * factor),
    )
    t.same(new Set(results.map(({ node }) => node)), new Set(['node-1', 'node-2', 'node-3']))
    const own = await map(tell, [1], { on: 'local' })
    t.same(own, [{ value: 3, node: 'spawner' }])
  })
})

t.test('map() is read, stopped and cancelled by virtual time', async (t) => {
  await simulate({ seed: 4 }, async (world) => {
    const s = StrictCentralized('map', { calls: 0 })
    const slowly = async (value: number) => {
      await s.add('calls')
      await pause(1_000)
      return value
    }
    const read: number[] = []
    for await (const value of map(slowly, numbers(1_000_000))) {
      read.push(value)
      if (read.length === 30) break
    }
    t.same(read, numbers(30))
    t.ok((await s.get('calls')) < 100)
    const cancelled = map(slowly, numbers(100))
    world.at(world.now + 1_500, () => cancelled.cancel('enough'))
    await t.rejects(cancelled, { code: 'ERR_GOAWAY_CANCELLED', cause: 'enough' })
    const inside = await goaway(async () => map((value: number) => value + 1, [1, 2]))
    t.same(inside, [2, 3])
  })
})

t.test('A node that crashes takes its items with it, or they run again', async (t) => {
  const work = async (value: number) => {
    await pause(100)
    return value
  }
  const run = (options: object) => async (world: World) => {
    world.at(world.now + 150, () => world.crash('node-2'))
    return map(work, numbers(100), { chunkSize: 2, ...options })
  }
  await simulate({ seed: 5 }, async (world) => {
    await t.rejects(run({})(world), { code: 'ERR_GOAWAY_NODE_LOST', items: 2 })
  })
  await simulate({ seed: 6 }, async (world) => {
    const error = await run({ onError: 'collect' })(world).catch((reason: unknown) => reason)
    t.match(error, { code: 'ERR_GOAWAY_ITEMS', cause: { code: 'ERR_GOAWAY_NODE_LOST' } })
    const { results, failures } = error as { results: unknown[]; failures: unknown[] }
    t.equal(results.filter((one) => one !== undefined).length + failures.length, 100)
  })
  await simulate({ seed: 7, seeds: 5 }, async (world) => {
    t.same(await run({ idempotent: true, retries: 3 })(world), numbers(100))
  })
})

t.test('The same seed gives the same run', async (t) => {
  const once = () =>
    simulate({ seed: 9, seeds: 2, faults: true }, async () => {
      const options = { idempotent: true, retries: 9, hedge: true }
      await map(async (value: number) => pause(value), numbers(60), options)
    })
  t.same((await once()).hashes, (await once()).hashes)
})
