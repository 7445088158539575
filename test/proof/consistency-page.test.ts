/** `docs/consistency.md` says what the tests of the stores expect, and what was seen agrees. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { litmusShapes, tableOf } from '../sim/litmus-shapes.ts'
import { litmusSubjects } from '../sim/litmus-subjects.ts'
import { repository } from '../tidy-source.ts'
import { raceObjects } from './race-subjects.ts'

const page = readFileSync(join(repository, 'docs', 'consistency.md'), 'utf8')

t.test('The litmus table of the page is that of the tests', async (t) => {
  const expected = litmusSubjects.flatMap(({ name, expected }) =>
    litmusShapes.map((shape) => ({
      subject: name,
      shape: shape.name,
      seen: expected.get(shape.name) === 'A' ? 1 : 0,
    })),
  )
  const table = tableOf(
    litmusSubjects.map(({ name }) => name),
    expected,
  )
  t.ok(page.includes(`\n${table}\n`), table)
})

t.test('What real machines have shown is nothing that is forbidden', async (t) => {
  const subjects = [...raceObjects.keys()]
  const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  for (const { name } of litmusShapes) {
    const row = rows.find(([, shape, cell]) => shape === name && / \/ /.test(cell ?? ''))
    t.equal(row?.length, subjects.length + 3, name)
    for (const [at, subject] of subjects.entries()) {
      const { expected } = litmusSubjects.find((one) => one.name === subject) ?? {}
      if (expected?.get(name) === 'A') t.match(row?.[at + 2], /^[\d,]+ \/ [\d,]+$/)
      else t.equal(row?.[at + 2], '0 / 0', `${subject}, ${name}`)
    }
  }
})
