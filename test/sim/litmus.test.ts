/**
 * Litmus matrix: what each store allows, and what not, in the table of `docs/consistency.md`.
 * An outcome that is forbidden is never seen; one that is allowed is seen at least once, else this
 * harness could not reorder. `npm run proof:stores -- --table file` writes the table as found.
 */
import t from 'tap'
import { type LitmusCell, runLitmus } from './litmus-run.ts'
import { litmusShapes, tableOf } from './litmus-shapes.ts'
import { litmusSubjects } from './litmus-subjects.ts'

const trials = 100
const trialsMax = 20_000

t.setTimeout(200_000)

const cells: LitmusCell[] = []

for (const subject of litmusSubjects) {
  t.test(`${subject.name} allows what its promise does, and no more`, async (t) => {
    for (const shape of litmusShapes) {
      const cell = await runLitmus(subject, shape, trials, trialsMax)
      cells.push(cell)
      const found = cell.seen > 0 ? 'A' : 'F'
      t.equal(found, cell.expected, `${shape.name}: ${cell.seen} of ${cell.trials}`)
    }
  })
}

t.test('the table', async (t) => {
  const names = litmusSubjects.map(({ name }) => name)
  t.comment(`\n${tableOf(names, cells)}`)
})
