/**
 * Ten minutes over three nodes that are killed and come back, by chance, while routines use all
 * stores and locks: memory stays flat, nothing hangs, and histories are right. `npm run soak` runs
 * it: there `-- --minutes 2` takes so long, `--seed 7` that seed, and `--keep folder` keeps the
 * history.
 */
import process from 'node:process'
import { parseArgs } from 'node:util'
import t from 'tap'
import { soak } from './soak-run.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    keep: { type: 'string' },
  },
})
const lastsMs = Number(values.minutes) * 60_000
/** A leak of 100 bytes for each operation would be more, and what a heap breathes is less. */
const growthBytesMax = 3 * 2 ** 20

/** Not too many: objects are never dropped, and each has others. Nor too few: long ones are long
 * to judge. */
const slices = 20

t.setTimeout(12 * 3_600_000)
t.test('Nodes are killed and come back while all stores are used', (t) =>
  soak(t, {
    ...{ lastsMs, sliceMs: lastsMs / slices, tellMs: 10_000, calmMs: 8_000, growthBytesMax },
    seed: values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed),
    limitMs: lastsMs + 900_000,
    keep: values.keep,
    tell: (line) => process.stderr.write(`${line}\n`),
  }),
)
