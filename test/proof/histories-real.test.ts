/** Histories of each store in short: `npm run proof:histories` is the long form. */
import process from 'node:process'
import t from 'tap'
import { recordStore } from './recorded-run.ts'
import { recordedStores } from './recorded-work.ts'

const limitMs = 150_000 * Number(process.env.GOAWAY_TEST_PATIENCE ?? 1)
const run = { operations: 1_200, seed: 31, limitMs }

for (const [at, store] of recordedStores.entries()) {
  // Each once in a way, and over all stores in every way.
  const isKilled = at % 2 === 1
  t.test(`${store} keeps its promise on threads${isKilled ? ' that are killed' : ''}`, (t) =>
    recordStore(t, { ...run, store, transport: 'threads', isKilled }),
  )
}

t.test('strict keeps its promise on three nodes, one of which is killed', (t) =>
  recordStore(t, { ...run, store: 'strict', transport: 'processes', isKilled: true }),
)
