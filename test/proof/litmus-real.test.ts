/**
 * Litmus tests on real threads and real processes, in short: `npm run proof:litmus` is the long
 * form.
 */
import process from 'node:process'
import t from 'tap'
import { raceStore } from './race-run.ts'
import { raceObjects } from './race-subjects.ts'

t.jobs = 1
const limitMs = 60_000 * Number(process.env.GOAWAY_TEST_PATIENCE ?? 1)

for (const [at, subject] of [...raceObjects.keys()].entries()) {
  t.test(`${subject} on threads shows nothing that is forbidden`, async (t) => {
    await raceStore(t, {
      ...{ subject, transport: 'threads', rounds: 60, limitMs, seed: 11 + at },
      style: at % 2 === 0 ? 'blocking' : 'promised',
    })
  })
}
