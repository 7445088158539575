/** A node dies in the midst of things. */
import t from 'tap'
import { killedNode } from './faults.ts'

const faults = { increments: 160, each: 2 }

t.test('A node that is killed is lost alone, and its locks pass on', (t) =>
  killedNode(t, { ...faults, seed: 1, victim: 2 }),
)

t.test('A master that is killed takes its objects with it, at once and for ever', (t) =>
  killedNode(t, { ...faults, seed: 2, victim: 1 }),
)
