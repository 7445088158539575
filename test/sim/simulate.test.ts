/** `simulate()` as users have it: promises of handles and routines, on a simulated cluster. */
import t from 'tap'
import { check } from '../../lib/check.ts'
import { goaway, Lock, StrictCentralized } from '../../lib/index.ts'
import { simulate } from '../../lib/testing.ts'

const counter = StrictCentralized('counter', { visits: 0, list: [] as readonly string[] })
const lock = Lock('lock')

async function visit(name: string): Promise<number> {
  await using _held = await lock.acquire()
  const list = (await counter.get('list')) ?? []
  await counter.set('list', [...list, name])
  return await counter.add('visits')
}

t.test('Routines run on the nodes of the simulated cluster', async (t) => {
  const report = await simulate({ seed: 3 }, async (world) => {
    const routines = ['a', 'b', 'c', 'd'].map((name) => goaway(visit, name))
    const counts = await Promise.all(routines)
    t.same(
      counts.sort((one, other) => one - other),
      [1, 2, 3, 4],
    )
    t.equal(await counter.get('visits'), 4)
    t.same([...((await counter.get('list')) ?? [])].sort(), ['a', 'b', 'c', 'd'])
    t.ok(check(world.history).verdict === 'ok')
  })
  t.equal(report.hashes.length, 1)
})
