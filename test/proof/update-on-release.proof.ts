/**
 * Everything that can happen to `UpdateOnRelease` in worlds that are too large for `npm test`.
 * Run by `npm run proof`.
 */
import t from 'tap'
import { explore } from '../protocol/explore.ts'
import { exploreLitmus, outcomesOfOneMemory, shapes } from '../protocol/update-on-release-litmus.ts'
import { updateOnReleaseModel } from '../protocol/update-on-release-model.ts'
import { large } from '../protocol/update-on-release-scenarios.ts'

t.setTimeout(3_600_000)
for (const [name, scenario] of Object.entries(large)) {
  t.test(`updateOnRelease keeps U1 to U7: ${name}`, async (t) => {
    const found = explore(updateOnReleaseModel(scenario), 2_000_000)
    t.equal(found.violation, null, found.trace.join(', '))
    t.ok(found.statesAtRest > 0, 'it comes to rest')
    t.comment(`${found.states} states, ${found.moves} moves`)
  })
}

for (const name of ['IRIW', 'CoIRIW']) {
  t.test(`${name}: reads under the lock are linearizable`, async (t) => {
    const shape = shapes[name]
    if (shape === undefined) throw new Error(`no shape ${name}`)
    const { seen, states } = exploreLitmus(shape, true, false, 0)
    t.same(seen, [...outcomesOfOneMemory(shape, true)].sort())
    for (const outcome of shape.forbidden) t.notOk(seen.includes(outcome), `${outcome} is F`)
    t.comment(`${states} states`)
  })
}
