/** Limits of the time to wait: one timer for all, and no memory for those who wait no more. */
import t from 'tap'
import { realClock } from '../../lib/clock.ts'
import { QueueDeadlines } from '../../lib/executor/queue-deadlines.ts'

t.test('What has begun long before its limit is not kept until then', async (t) => {
  const waiting = new Set<number>()
  const deadlines = new QueueDeadlines(
    realClock,
    (routine) => waiting.has(routine),
    () => t.fail('an hour has not passed'),
  )
  for (let routine = 1; routine <= 100_000; routine++) {
    waiting.add(routine)
    deadlines.add(routine, 3_600_000)
    if (routine > 10) waiting.delete(routine - 10)
  }
  t.ok(deadlines.size < 3_000, `${deadlines.size} are kept`)
  deadlines.clear()
})

t.test('What comes and waits again is not kept either', async (t) => {
  const deadlines = new QueueDeadlines(
    realClock,
    (routine) => routine > 100_000 - 10,
    () => t.fail('an hour has not passed'),
  )
  const now = realClock.now()
  for (let routine = 1; routine <= 100_000; routine++) {
    deadlines.addAgain(routine, 3_600_000, now - routine)
  }
  t.ok(deadlines.size < 3_000, `${deadlines.size} are kept`)
  deadlines.clear()
})

t.test('What waits again hears of it in its turn', async (t) => {
  const expired: number[] = []
  await new Promise<void>((resolve) => {
    const deadlines = new QueueDeadlines(
      realClock,
      (routine) => !expired.includes(routine),
      (routines) => {
        expired.push(...routines)
        if (expired.length === 3) resolve()
      },
    )
    const now = realClock.now()
    for (const routine of [2, 3]) deadlines.add(routine, 10)
    deadlines.addAgain(1, 10, now - 5)
  })
  t.same(expired, [1, 2, 3])
})

t.test('Those who still wait hear of it, in the order in which they came', async (t) => {
  const waiting = new Set([1, 2, 4])
  const expired: number[] = []
  await new Promise<void>((resolve) => {
    const deadlines = new QueueDeadlines(
      realClock,
      (routine) => waiting.has(routine),
      (routines) => {
        expired.push(...routines)
        for (const routine of routines) waiting.delete(routine)
        if (waiting.size === 0) resolve()
      },
    )
    for (const routine of [1, 2, 3, 4]) deadlines.add(routine, 10)
  })
  t.same(expired, [1, 2, 4])
})
