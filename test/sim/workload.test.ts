/**
 * Objects and locks under faults: linearizable while they last. When all is healed every call has
 * come to its end, and all nodes take part again.
 */
import t from 'tap'
import { check } from '../../lib/check.ts'
import { simulate, type World } from '../../lib/testing.ts'
import { work } from './workload.ts'

function assertLinearizable(world: World): void {
  const { verdict, parts } = check(world.history)
  if (verdict === 'ok') return
  throw new Error(JSON.stringify(parts.filter((part) => part.verdict !== 'ok')))
}

t.test('Clients on all nodes see linearizable objects and locks', async (t) => {
  let done = 0
  await simulate({ seed: 1, seeds: 5 }, async (world) => {
    done += await work(4, 12)
    assertLinearizable(world)
  })
  t.equal(done, 5 * 5 * 12, 'nothing fails without faults')
})

const forMs = 4_000
const rates = { forMs, pauses: 2, partitions: 2, breaks: 4, lengthMs: [50, 6_000] } as const

for (const placement of ['first', 'hash'] as const) {
  t.test(`The same with faults, and masters by ${placement}`, { timeout: 120_000 }, async (t) => {
    const seeds = 40
    let done = 0
    await simulate({ seed: 1, seeds, faults: rates, placement }, async (world) => {
      done += await work(4, 25)
      assertLinearizable(world)
      await world.sleep(Math.max(0, forMs - world.now))
      for (let waited = 0; world.members.length < 4; waited++) {
        if (waited > 60) throw new Error(`Not back: ${world.members.join(', ')}`)
        await world.sleep(1_000)
      }
    })
    t.ok(done > seeds * 20, `${done} operations`)
    t.comment(`${done} operations were answered`)
  })
}
