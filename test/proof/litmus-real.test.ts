/**
 * Litmus tests on real threads and real processes, in short: `npm run proof:litmus` is the long
 * form.
 */
import process from 'node:process'
import t from 'tap'
import { raceStores } from './race-run.ts'
import { raceObjects } from './race-subjects.ts'

const limitMs = 150_000 * Number(process.env.GOAWAY_TEST_PATIENCE ?? 1)
const all = { subjects: [...raceObjects.keys()], limitMs } as const

t.test('Threads see nothing that their store forbids, in tight loops', async (t) => {
  const run = { ...all, transport: 'threads', style: 'blocking' } as const
  await raceStores(t, { ...run, rounds: 15, mostMs: 60, seed: 11 })
})

t.test('Threads see nothing that their store forbids, by promises', async (t) => {
  const run = { ...all, transport: 'threads', style: 'promised' } as const
  await raceStores(t, { ...run, rounds: 5, mostMs: 30, seed: 12 })
})

t.test('Processes see nothing that their store forbids', async (t) => {
  const run = { ...all, transport: 'processes', style: 'blocking' } as const
  await raceStores(t, { ...run, rounds: 5, mostMs: 30, seed: 13 })
})
