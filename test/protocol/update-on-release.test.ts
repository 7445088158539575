/** Everything that can happen in small worlds: docs/protocols/update-on-release.md. */
import t from 'tap'
import type { UpdateOnReleaseMutant } from '../../lib/protocol/update-on-release.ts'
import { explore } from './explore.ts'
import { updateOnReleaseModel } from './update-on-release-model.ts'
import { small } from './update-on-release-scenarios.ts'
import type { Instruction, Scenario } from './update-on-release-world.ts'

const statesMax = 100_000

t.test('updateOnRelease keeps U1 to U7 in every interleaving', async (t) => {
  for (const [name, scenario] of Object.entries(small)) {
    const found = explore(updateOnReleaseModel(scenario), statesMax)
    t.equal(found.violation, null, `${name}: ${found.trace.join(', ')}`)
    t.ok(found.statesAtRest > 0, `${name}: it comes to rest`)
    t.comment(`${name}: ${found.states} states, ${found.moves} moves`)
  }
})

const section: readonly Instruction[] = [
  ['acquire', 'o'],
  ['release', { n: 'increment', m: 'increment' }],
]

/** Where each fault shows, and the promise that is seen to be broken. */
const mutants: Readonly<Record<UpdateOnReleaseMutant, readonly [Scenario, RegExp]>> = {
  'no token check': [
    {
      scripts: [
        { place: 0, steps: section },
        { place: 2, steps: section },
      ],
      ends: [0],
    },
    /^U3, U6: 1 shows no state/,
  ],
  'no order check': [
    { scripts: [{ place: 0, steps: [...section, ...section] }], reordered: true },
    /^U3, U6: \d shows no state/,
  ],
  'grant before applied': [
    {
      scripts: [
        { place: 0, steps: section },
        { place: 2, steps: section },
      ],
      reordered: true,
    },
    /^U2: .* reads what was before/,
  ],
  'reply before applied': [
    { scripts: [{ place: 0, steps: section }], reordered: true },
    /^U3: a reply came before its entry/,
  ],
  'release not atomic': [{ scripts: [{ place: 0, steps: section }] }, /^U3, U6: 0 shows no state/],
  'ack all at once': [
    {
      scripts: [
        {
          place: 0,
          steps: [
            ['acquire', 'o'],
            ['release', { n: 'increment' }, 'all'],
          ],
        },
      ],
    },
    /^U4: acknowledged by all/,
  ],
  'reads before snapshot': [
    { scripts: [{ place: 3, steps: [['read', 'o', 'n']] }], joiner: 3 },
    /^U3: a node without a replica answered/,
  ],
  'removed are heard': [
    { scripts: [{ place: 2, steps: section }], removable: [2] },
    /^U7: a lock is left/,
  ],
  'lease not asked': [
    { scripts: [{ place: 2, steps: section }], removable: [1] },
    /^no lease: 1 put out grant/,
  ],
}

for (const [mutant, [scenario, promise]] of Object.entries(mutants)) {
  t.test(`exploration finds the mutant '${mutant}'`, async (t) => {
    const sound = explore(updateOnReleaseModel(scenario), statesMax)
    t.equal(sound.violation, null, 'without it all is well')
    const named = mutant as UpdateOnReleaseMutant
    const found = explore(updateOnReleaseModel({ ...scenario, mutant: named }), statesMax)
    t.match(found.violation, promise)
    t.comment(found.trace.join(', '))
  })
}
