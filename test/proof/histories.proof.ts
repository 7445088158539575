/**
 * The proof that recorded histories keep what each store promises: 50,000 operations a store, on
 * four threads of one process and on three nodes, and each once more with kill -9 in the middle.
 * `npm run proof:histories` runs it: there `-- --store weak` takes one store, `--operations 5000`
 * so many, `--on threads` or `--on processes` one of both, `--keep folder` keeps the histories,
 * which else stay only if they are wrong.
 */
import { parseArgs } from 'node:util'
import t from 'tap'
import { recordStore } from './recorded-run.ts'
import { recordedStores } from './recorded-work.ts'

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    operations: { type: 'string', default: '50000' },
    on: { type: 'string' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'string' },
  },
})

const limitMs = 3_600_000
const [operations, seed] = [Number(values.operations), Number(values.seed)]

t.setTimeout(12 * 3_600_000)
for (const store of recordedStores.filter((name) => name === (values.store ?? name))) {
  for (const transport of ['threads', 'processes'] as const) {
    if (transport !== (values.on ?? transport)) continue
    for (const isKilled of [false, true]) {
      // What is killed in the middle has done half of it by then.
      const all = isKilled ? operations * 2 : operations
      const run = { store, transport, isKilled, operations: all, seed, limitMs, keep: values.keep }
      const end = isKilled ? 'and kill -9 in the middle' : 'to its end'
      t.test(`${store} on ${transport}, ${end}`, (t) => recordStore(t, run))
    }
  }
}
