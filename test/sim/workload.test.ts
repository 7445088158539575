/** Objects and locks under faults: linearizable while they last, and everything settles after. */
import t from 'tap'
import { check } from '../../lib/check.ts'
import { simulate } from '../../lib/testing.ts'
import { work } from './workload.ts'

t.test('Clients on all nodes see linearizable objects and locks', async (t) => {
  let done = 0
  await simulate({ seed: 1, seeds: 5 }, async (world) => {
    done += await work(4, 12)
    const { verdict, parts } = check(world.history)
    if (verdict !== 'ok') throw new Error(JSON.stringify(parts))
  })
  t.equal(done, 5 * 5 * 12, 'nothing fails without faults')
})
