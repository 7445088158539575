/**
 * The proof of what the stores promise under faults, in the simulator: 2,000 seeds each. It is part
 * of `npm run proof`. `npm run proof:stores` runs it alone: there `--store weak` takes one store,
 * `--seeds 100` so many seeds, `--seed 7` that one, and `--table file` writes the litmus matrix as
 * it was found.
 */
import { writeFileSync } from 'node:fs'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { type LitmusCell, runLitmus } from '../sim/litmus-run.ts'
import { litmusShapes, tableOf } from '../sim/litmus-shapes.ts'
import { litmusSubjects } from '../sim/litmus-subjects.ts'
import { problemsOf, workloads } from '../sim/store-workloads.ts'

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    seed: { type: 'string' },
    seeds: { type: 'string', default: '2000' },
    trials: { type: 'string', default: '2000' },
    table: { type: 'string' },
  },
})

const stores = values.store === undefined ? Object.keys(workloads) : [values.store]
const firstSeed = Number(values.seed ?? 1)
const lastSeed = values.seed === undefined ? Number(values.seeds) : firstSeed
const toldEveryMs = 10_000

let failures = 0
for (const store of stores) failures += await proveStore(store)
if (values.seed === undefined && values.store === undefined) failures += await proveLitmus()
if (failures > 0) process.exitCode = 1

async function proveStore(store: string): Promise<number> {
  const make = workloads[store]
  if (make === undefined) {
    throw new Error(`No store ${store}: take one of ${Object.keys(workloads).join(', ')}`)
  }
  let wrong = 0
  let toldAt = performance.now()
  for (let seed = firstSeed; seed <= lastSeed; seed++) {
    const problems = await problemsOf(make(), seed)
    if (problems.length > 0) {
      wrong++
      process.stdout.write(`${problems.join('\n')}\n`)
    }
    if (performance.now() - toldAt < toldEveryMs) continue
    toldAt = performance.now()
    process.stderr.write(`${store}: seed ${seed} of ${lastSeed}\n`)
  }
  const count = lastSeed - firstSeed + 1
  process.stdout.write(`${store}: ${count} seeds with faults, ${wrong} of them wrong\n`)
  return wrong
}

async function proveLitmus(): Promise<number> {
  const cells: LitmusCell[] = []
  const trials = Number(values.trials)
  for (const subject of litmusSubjects) {
    process.stderr.write(`litmus tests of ${subject.name}\n`)
    for (const shape of litmusShapes) cells.push(await runLitmus(subject, shape, trials, 50_000))
  }
  const names = litmusSubjects.map(({ name }) => name)
  const table = tableOf(names, cells)
  process.stdout.write(`${table}\n`)
  if (values.table !== undefined) writeFileSync(values.table, `${table}\n`)
  const wrong = cells.filter(({ seen, expected }) => (seen > 0 ? 'A' : 'F') !== expected)
  for (const { subject, shape, seen, trials: all } of wrong) {
    process.stdout.write(`${subject}, ${shape}: seen ${seen} times in ${all}\n`)
  }
  return wrong.length
}
