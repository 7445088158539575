/** The timer of the membership machines. */
import t from 'tap'
import { Alarm } from '../../lib/hub/alarm.ts'

t.test('An alarm never rings before its time', async (t) => {
  const early: number[] = []
  const alarms = Array.from({ length: 200 }, (_, number) => {
    const at = performance.now() + 5 + number / 7
    return new Promise<void>((resolve) => {
      const alarm = new Alarm(() => {
        const now = performance.now()
        if (now < at) early.push(at - now)
        resolve()
      })
      alarm.set(at)
    })
  })
  await Promise.all(alarms)
  t.same(early, [])
})

t.test(
  'A later time takes the place of an earlier one, and a cleared alarm is silent',
  async (t) => {
    let rings = 0
    const alarm = new Alarm(() => rings++)
    const cleared = new Alarm(() => t.fail('it was cleared'))
    cleared.set(performance.now() + 1)
    cleared.clear()
    const at = performance.now() + 30
    alarm.set(performance.now() + 1)
    alarm.set(at)
    await new Promise<void>((resolve) => {
      const last = new Alarm(resolve)
      last.set(at + 30)
    })
    t.equal(rings, 1)
  },
)
