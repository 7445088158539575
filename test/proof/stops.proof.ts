/**
 * The proof that no thread of a node that stood still past its lease reads an old value: 1,000
 * stops, in a few programs, since each time that a node comes back it takes a place of its
 * application (`placesMax`). `npm run proof:stops` runs it: there `-- --tries 50` makes so many.
 */
import { parseArgs } from 'node:util'
import t from 'tap'
import { stopReaders } from './stopped-run.ts'

const { values } = parseArgs({
  options: { tries: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
})
const perProgram = 125
const tries = Number(values.tries)

t.setTimeout(6 * 3_600_000)
for (let done = 0; done < tries; done += perProgram) {
  const some = Math.min(perProgram, tries - done)
  t.test(`tries ${done + 1} to ${done + some}`, (t) =>
    stopReaders(t, {
      tries: some,
      stopsMax: some * 4,
      seed: Number(values.seed) + done,
      limitMs: 3_600_000,
    }),
  )
}
