// All interleavings of small clusters. Invariants: docs/protocols/weak.md.
import t from 'tap'
import { explore } from './explore.ts'
import { weakModel } from './weak-model.ts'
import { weakScenarios } from './weak-scenarios.ts'

const statesMax = 600_000

for (const scenario of weakScenarios) {
  t.test(`weak: ${scenario.name}`, async (t) => {
    const begun = performance.now()
    const found = explore(weakModel(scenario), statesMax)
    const seconds = ((performance.now() - begun) / 1000).toFixed(1)
    t.comment(`${found.states} states, ${found.moves} moves, ${seconds} s`)
    t.same([found.violation, found.trace], [null, []])
    t.ok(found.statesAtRest > 0)
  })
}
