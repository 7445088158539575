// All interleavings of small clusters; larger ones in test/proof/weak.proof.ts. Invariants:
// docs/protocols/weak.md.
import t from 'tap'
import { explore } from './explore.ts'
import { weakModel } from './weak-model.ts'
import { largeScenarios, weakScenarios } from './weak-scenarios.ts'

const statesMax = 50_000

// Of all together, on a machine that has much else to do.
t.setTimeout(240_000)
const names = Object.keys(weakScenarios) as (keyof typeof weakScenarios)[]

for (const name of names.filter((each) => !largeScenarios.includes(each))) {
  const scenario = weakScenarios[name]
  t.test(`weak: ${scenario.name}`, async (t) => {
    const begun = process.cpuUsage()
    const found = explore(weakModel(scenario), statesMax)
    const seconds = (process.cpuUsage(begun).user / 1e6).toFixed(1)
    t.comment(`${name}: ${found.states} states, ${found.moves} moves, ${seconds} s`)
    t.same([found.violation, found.trace], [null, []])
    t.ok(found.statesAtRest > 0)
  })
}
