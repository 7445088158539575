// All interleavings of small worlds. Invariants: docs/protocols/lin-fast-read.md.
import t from 'tap'
import type { LinFastReadMutant } from '../../lib/protocol/lin-fast-read.ts'
import { explore } from './explore.ts'
import { linFastReadModel, type Scenario } from './lin-fast-read-model.ts'
import { scenarios } from './lin-fast-read-scenarios.ts'

const statesMax = 200_000

t.test('LinFastRead: copies keep their promises in every interleaving', async (t) => {
  for (const [name, scenario] of Object.entries<Scenario>(scenarios)) {
    t.test(name, async (t) => {
      const { states, moves, statesAtRest, violation, trace } = explore(
        linFastReadModel(scenario),
        statesMax,
      )
      t.comment(`${states} states, ${moves} moves, ${statesAtRest} at rest`)
      t.equal(violation, null, trace.join(', '))
      t.ok(statesAtRest > 0)
    })
  }
})

/** Where each fault is found, and by what. */
const mutants: Readonly<
  Record<LinFastReadMutant, readonly [scenario: keyof typeof scenarios, found: RegExp]>
> = {
  'no epoch filter': ['two update, one node is lost', /^I1: versions .* are valid at once/],
  'no lease test': ['one updates, and the lost go on running', /^I2 read at .* was read after/],
  'no wait of readers on an invalid cell': ['three nodes update', /^I1: versions/],
  'epoch not in the stamp': ['two update, one node is lost', /^I4: answered before/],
  'ack before install': ['three nodes update', /^I4: answered before/],
  'reply before all acks': ['three nodes update', /^I4: answered before/],
  'no recs on retry': ['two update, one node is lost', /^I3 .* has an update twice/],
  'late replies are taken': [
    'the same with one home, and its last words come late',
    /has an update that was answered as not made/,
  ],
  'no wait of what changes nothing': [
    'set, delete and compare, every history is judged',
    /^not linearizable/,
  ],
  'joiners read at once': ['a node joins and updates', /^I2 read at 2: 0 was read after/],
  'orphans stay': ['one changes only what another has made, homes are lost', /^I2 read at 0/],
}

t.test('LinFastRead: every fault that is planted is found', async (t) => {
  for (const [mutant, [name, found]] of Object.entries(mutants)) {
    const scenario: Scenario = { ...scenarios[name], mutant: mutant as LinFastReadMutant }
    const { violation, trace } = explore(linFastReadModel(scenario), statesMax)
    t.match(violation, found, mutant)
    t.ok(trace.length > 0, trace.join(', '))
  }
})

/** The same faults, where only what clients see is judged: without a look at the machines. */
t.test('LinFastRead: faults show in what clients see', async (t) => {
  const seen: readonly LinFastReadMutant[] = [
    'no wait of readers on an invalid cell',
    'ack before install',
    'reply before all acks',
    'epoch not in the stamp',
    'no epoch filter',
  ]
  for (const mutant of seen) {
    const scenario: Scenario = { ...scenarios['two update, one node is lost'], mutant }
    const { violation } = explore(linFastReadModel({ ...scenario, onlyValues: true }), statesMax)
    t.match(violation, /^I[23]/, mutant)
  }
})
