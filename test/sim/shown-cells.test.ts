/** What threads read from memory is told by `cell` outputs: they have to tell all that changes. */
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type { ReplicaMachine, ReplicaMachines } from '../../lib/hub/replicas.ts'
import { linFastRead } from '../../lib/protocol/lin-fast-read.ts'
import type { CellRow } from '../../lib/protocol/replica.ts'
import { updateOnRelease } from '../../lib/protocol/update-on-release.ts'
import { weak, weakCausal } from '../../lib/protocol/weak.ts'
import { registerWorkload } from './register-workload.ts'
import { releaseWorkload } from './release-workload.ts'
import type { Workload } from './store-run.ts'
import { problemsOf } from './store-workloads.ts'
import { weakWorkload } from './weak-workload.ts'

const seeds = 3

type Shown = Map<string, CellRow>

interface Watching {
  readonly state: unknown
  /** By object, what its readers were told. */
  readonly shown: Map<string, Shown>
}

/** The machine, with a reader of every object that it shows anything of. */
function watched(
  machine: Required<ReplicaMachine>,
  differs: (what: string) => void,
): ReplicaMachine {
  return {
    initial: (parameters): Watching => ({
      state: machine.initial(parameters),
      shown: new Map(),
    }),
    step(watching, input) {
      const { state, shown } = watching as Watching
      const outputs = machine.step(state, input)
      for (const output of outputs) {
        if (output.type !== 'cell') continue
        const { type: _, object, ...row } = output
        const rows = shown.get(object)
        if (rows !== undefined) show(rows, row)
        else open(machine, state, object, shown)
      }
      for (const [object, rows] of shown) {
        const now = machine.cells(state, object)
        if (now === null) continue
        const expected: Shown = new Map()
        for (const row of now) show(expected, row)
        if (!isDeepStrictEqual(sorted(rows), sorted(expected))) {
          differs(`${object} after ${JSON.stringify(input)}: ${JSON.stringify(sorted(rows))}`)
        }
      }
      return outputs
    },
    cells: (watching, object) => machine.cells((watching as Watching).state, object),
  }
}

/** As a reader begins: with all that there is now. */
function open(
  machine: Required<ReplicaMachine>,
  state: unknown,
  object: string,
  shown: Map<string, Shown>,
): void {
  const rows = machine.cells(state, object)
  if (rows === null) return
  const all: Shown = new Map()
  for (const row of rows) show(all, row)
  shown.set(object, all)
}

/** Readers make no difference between a field that is absent and one that never was. */
function show(rows: Shown, row: CellRow): void {
  if (row.isValid && row.state[0] === 0) rows.delete(row.field)
  else rows.set(row.field, row.isValid ? row : { ...row, state: [0, undefined] })
}

function sorted(rows: Shown): readonly CellRow[] {
  return [...rows.values()].sort((one, other) => (one.field < other.field ? -1 : 1))
}

const subjects: readonly [string, unknown, (machines: ReplicaMachines) => Workload][] = [
  ['lin-fast-read', linFastRead, (machines) => registerWorkload('lin-fast-read', machines)],
  ['weak', weak, (machines) => weakWorkload('weak', machines)],
  ['weak-causal', weakCausal, (machines) => weakWorkload('weak-causal', machines)],
  ['update-on-release', updateOnRelease, (machines) => releaseWorkload(machines)],
]

for (const [store, machine, workload] of subjects) {
  t.test(`${store}: who has opened an object is told of every change`, async (t) => {
    for (let seed = 1; seed <= seeds; seed++) {
      const wrong: string[] = []
      const differs = (what: string): void => void wrong.push(what)
      const machines = { [store]: watched(machine as Required<ReplicaMachine>, differs) }
      const problems = await problemsOf(workload(machines), seed)
      t.same([wrong.slice(0, 3), problems], [[], []], `seed ${seed}`)
    }
  })
}
