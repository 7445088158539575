/** A soak of seconds: `npm run soak` is the long form, which looks at memory too. */
import process from 'node:process'
import t from 'tap'
import { soak } from './soak-run.ts'

const limitMs = 150_000 * Number(process.env.GOAWAY_TEST_PATIENCE ?? 1)

t.test('A node is killed and comes back while all stores are used', (t) =>
  soak(t, { lastsMs: 3_000, sliceMs: 1_000, tellMs: 1_000, calmMs: 1_000, seed: 41, limitMs }),
)
