/** What the models have in common: the example of the design, with one word changed. */
import { goaway, init, shutdown } from 'goaway'
import t from 'tap'
import {
  fast,
  increaseAll,
  increaseFast,
  increaseReleased,
  increaseStrict,
  increaseWeak,
  released,
  strict,
  weak,
} from './model-routines.ts'

await init({ threads: 2 })
t.teardown(() => shutdown())

t.test('a program counts the same whichever its model is', async (t) => {
  const increases = [increaseStrict, increaseFast, increaseWeak, increaseReleased, increaseAll]
  const routines = increases.flatMap((increase) =>
    Array.from({ length: 10 }, () => goaway(increase as (value: number) => void, 1)),
  )
  await Promise.all(routines)
  const counters = [strict, fast, weak, released].map((object) => object.counter)
  t.same(counters, [10, 20, 20, 20])
})
