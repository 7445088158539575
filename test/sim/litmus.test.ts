/**
 * Litmus matrix: what each store allows, and what it does not, in the table of `docs/consistency.md`.
 * An outcome that is forbidden is never seen; one that is allowed is seen at least once, else this
 * harness could not reorder. `--table file` writes the table as it was found.
 */
import { writeFileSync } from 'node:fs'
import process from 'node:process'
import t from 'tap'
import { type LitmusCell, runLitmus } from './litmus-run.ts'
import { litmusShapes } from './litmus-shapes.ts'
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
  const table = tableOf(cells)
  t.comment(`\n${table}`)
  const at = process.argv.indexOf('--table')
  const file = at < 0 ? undefined : process.argv[at + 1]
  if (file !== undefined) writeFileSync(file, `${table}\n`)
  t.end()
})

/** As markdown: A, where the outcome was seen, and F, where it was not. */
function tableOf(found: readonly LitmusCell[]): string {
  const row = (name: string, letters: readonly string[]): string =>
    `| ${name} | ${letters.join(' | ')} |`
  const names = litmusSubjects.map(({ name }) => name)
  const rows = litmusShapes.map((shape) =>
    row(
      shape.name,
      names.map((name) => {
        const cell = found.find((one) => one.subject === name && one.shape === shape.name)
        return (cell?.seen ?? 0) > 0 ? 'A' : 'F'
      }),
    ),
  )
  return [
    row('', names),
    row(
      '---',
      names.map(() => '---'),
    ),
    ...rows,
  ].join('\n')
}
