// Faults planted in the machine are found by the explorer: docs/protocols/weak.md, "What was
// explored".
import t from 'tap'
import type { WeakMutant } from '../../lib/protocol/weak.ts'
import { explore } from './explore.ts'
import { weakModel } from './weak-model.ts'
import { weakScenarios } from './weak-scenarios.ts'

const statesMax = 200_000

// Of all together, on a machine that has much else to do.
t.setTimeout(240_000)

/** Where each is found, and the promise that it breaks. */
const mutants: Readonly<Record<WeakMutant, readonly [keyof typeof weakScenarios, RegExp]>> = {
  'no FIFO check': ['shuffled', /^W[23]/],
  'no stamp comparison': ['writes', /^W3/],
  'ack before apply': ['shuffled', /^W4/],
  'sync counts nothing': ['sync', /^W4/],
  'no forwarding at a removal': ['acknowledged', /^W3.*no convergence/],
  'nothing kept for a second removal': ['twiceFrom', /^W3.*no convergence/],
  'counter overwritten by last writer': ['counter', /^W3/],
  'no causal wait': ['causal', /^W6/],
  'state sent at once': ['joinOne', /^2 never has all of view 2/],
  'late messages of a lost node taken': ['twoFields', /^0 keeps updates of who left/],
  'init like any write': ['initAndSet', /^W3/],
  'no pull in a fence': ['fenceOnly', /^W4/],
}

for (const [mutant, [scenario, promise]] of Object.entries(mutants)) {
  t.test(`weak: the explorer finds "${mutant}" (${weakScenarios[scenario].name})`, async (t) => {
    const found = explore(weakModel(weakScenarios[scenario], mutant as WeakMutant), statesMax)
    t.match(found.violation, promise)
    t.comment(`${found.states} states, in ${found.trace.length} steps: ${found.violation}`)
  })
}
