/** A node stands still in the midst of things, and goes on later. */
import t from 'tap'
import { heldUpNode, stoppedNode } from './faults.ts'

const faults = { increments: 160, each: 2 }

// They wait most of the time.
t.jobs = 2

t.test('A node that stands still is lost in time, and serves nothing when it goes on', (t) =>
  stoppedNode(t, { ...faults, seed: 3, victim: 3 }),
)

t.test('A master that stands still is lost in time, and serves nothing when it goes on', (t) =>
  stoppedNode(t, { ...faults, seed: 4, victim: 1 }),
)

t.test('A node that stands still for a moment is missed by nobody', (t) =>
  heldUpNode(t, { ...faults, seed: 5, victim: 2 }),
)
