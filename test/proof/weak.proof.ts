/**
 * All interleavings of clusters of `Weak` objects that are too large for `npm test`: joins while
 * others write, two removals, views that are missed. Run by `npm run proof`.
 */
import t from 'tap'
import { explore } from '../protocol/explore.ts'
import { weakModel } from '../protocol/weak-model.ts'
import { largeScenarios, weakScenarios } from '../protocol/weak-scenarios.ts'

const statesMax = 3_000_000

t.setTimeout(2 * 3_600_000)
for (const name of largeScenarios) {
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
