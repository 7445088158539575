/** `map` with an executor of the program's own, which does what the contract says of chunks. */
import { init, map, shutdown } from 'goaway'
import t from 'tap'
import { InlineExecutor } from '../executor/inline-executor.ts'
import { failAtSevens, pair, square } from './map-routines.ts'

await init({ executor: (report) => new InlineExecutor(report) })
t.teardown(() => shutdown({ graceMs: 0 }))

t.test('Chunks run with any executor', async (t) => {
  t.same(await map(square, [1, 2, 3], { chunkSize: 2 }), [1, 4, 9])
  t.same(await map(pair, ['a', 'b'], { chunkSize: 2 }), [
    ['a', 0],
    ['b', 1],
  ])
  await t.rejects(map(failAtSevens, [1, 7]), { name: 'RangeError', index: 1 })
})
