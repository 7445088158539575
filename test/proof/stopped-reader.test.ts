/** `npm run proof:stops` is the long form. */
import process from 'node:process'
import t from 'tap'
import { stopReaders } from './stopped-run.ts'

const limitMs = 150_000 * Number(process.env.GOAWAY_TEST_PATIENCE ?? 1)

t.test('No thread of a node that stood still past its lease reads an old value', (t) =>
  stopReaders(t, { tries: 4, stopsMax: 4, seed: 21, limitMs }),
)
