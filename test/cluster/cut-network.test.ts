/** Hosts with a network between them that is cut: namespaces, where the machine allows them. */
import t from 'tap'
import { cutOffNode, partedNodes, shortCut, shortCutMs } from './cuts.ts'
import { noNetworks } from './network.ts'

const faults = { increments: 160, each: 2 }
const skip = noNetworks()

// They wait most of the time.
t.jobs = 2

t.test('A node that is cut off is lost alone, and gives up by itself', { skip }, (t) =>
  cutOffNode(t, { ...faults, seed: 7, victim: 2 }),
)

t.test('Of two nodes that do not reach each other one goes', { skip }, (t) =>
  partedNodes(t, { ...faults, seed: 8, victim: 3 }, 2),
)

t.test('A cut that is mended soon loses nothing', { skip }, (t) =>
  shortCut(t, { ...faults, seed: 9, victim: 2 }, shortCutMs),
)
