/** What a module may not do while it is being loaded, although its thread could without asking. */
import { goaway, init, shutdown } from 'goaway'
import t from 'tap'
import { readTwice } from './quick-routines.ts'

await init({ threads: 1 })
t.teardown(() => shutdown())

t.test('a module that is loaded for a routine reads no object that its thread knows', async (t) => {
  const { seenAtLoading } = await import('./quick-module.ts')
  t.equal(seenAtLoading(), 1, 'the program itself may')
  t.same(await goaway(readTwice), [1, 1])
  await t.rejects(goaway(seenAtLoading), { code: 'ERR_GOAWAY_NOT_SPAWNER' })
})
