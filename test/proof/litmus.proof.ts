/**
 * The proof of the litmus table on real machines: 10,000 rounds of each test, for each store, on
 * threads of one process and on the processes of a cluster, and a tenth of it by the handles that
 * never block. `npm run proof:litmus` runs it: there `-- --store Weak` takes one store, `--rounds
 * 100` so many rounds, `--on threads` or `--on processes` one of both, `--table file` writes how
 * often each outcome was seen, and `--seed 7` begins with that seed.
 */
import { writeFileSync } from 'node:fs'
import process from 'node:process'
import { parseArgs } from 'node:util'
import t from 'tap'
import type { RaceResult } from './race.ts'
import { raceStores, raceTable, type Transport } from './race-run.ts'
import { raceObjects } from './race-subjects.ts'

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    rounds: { type: 'string', default: '10000' },
    on: { type: 'string' },
    seed: { type: 'string', default: '1' },
    table: { type: 'string' },
  },
})

const limitMs = 4 * 3_600_000
const rounds = Number(values.rounds)
const seed = Number(values.seed)
const subjects = [...raceObjects.keys()].filter((name) => name === (values.store ?? name))
const transports: readonly Transport[] = (['threads', 'processes'] as const).filter(
  (name) => name === (values.on ?? name),
)
const found: RaceResult[] = []

t.setTimeout(12 * 3_600_000)
for (const subject of subjects) {
  for (const transport of transports) {
    const tell = (line: string): boolean => process.stderr.write(`${transport}: ${line}\n`)
    const run = { subjects: [subject], transport, seed, limitMs, tell }
    t.test(`${subject} on ${transport}, blocking`, async (t) => {
      found.push(...(await raceStores(t, { ...run, style: 'blocking', rounds })))
    })
    t.test(`${subject} on ${transport}, by promises`, async (t) => {
      const few = Math.ceil(rounds / 10)
      found.push(...(await raceStores(t, { ...run, style: 'promised', rounds: few })))
    })
  }
}

t.test('the table: how often each outcome was seen, on threads / on processes', async (t) => {
  const table = raceTable(found)
  t.comment(`\n${table}`)
  if (values.table !== undefined) writeFileSync(values.table, `${table}\n`)
})
