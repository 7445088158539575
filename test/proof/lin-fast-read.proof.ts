/**
 * All interleavings of those small worlds of `LinFastRead` nodes that take longer than a test may:
 * docs/protocols/lin-fast-read.md. Some minutes; run by `npm run proof`.
 */
import t from 'tap'
import { explore } from '../protocol/explore.ts'
import { linFastReadModel, type Scenario } from '../protocol/lin-fast-read-model.ts'
import { longScenarios } from '../protocol/lin-fast-read-scenarios.ts'

const statesMax = 3_000_000

t.setTimeout(3_600_000)
for (const [name, scenario] of Object.entries<Scenario>(longScenarios)) {
  t.test(`LinFastRead: ${name}`, async (t) => {
    const { states, moves, statesAtRest, violation, trace } = explore(
      linFastReadModel(scenario),
      statesMax,
    )
    t.comment(`${states} states, ${moves} moves, ${statesAtRest} at rest`)
    t.equal(violation, null, trace.join(', '))
    t.ok(statesAtRest > 0)
  })
}
