/** Small worlds of `LinFastRead` nodes, small enough to look at all they can do. */
import type { StrictOperation } from '../../lib/wire/messages.ts'
import type { Scenario } from './lin-fast-read-model.ts'
import { isLinearizableHistory } from './register-history.ts'

export const add = (digit: number): StrictOperation =>
  Object.freeze(['add', 'o', 'x', 8 ** digit, null])
/** Adds its digit if the field has exactly the one of the other. */
export const addAfter = (digit: number, other: number): StrictOperation =>
  Object.freeze(['compareAndSet', 'o', 'x', 8 ** other, 8 ** other + 8 ** digit, null])
const get: StrictOperation = Object.freeze(['get', 'o', 'x', 0])
const wait: StrictOperation = Object.freeze(['wait', 'o', 'x', 0])
const set = (value: number): StrictOperation => Object.freeze(['set', 'o', 'x', value, null])
const remove: StrictOperation = Object.freeze(['delete', 'o', 'x', null])
const addEach = [[add(0)], [add(1)], [add(2)]]
const addTwo = [[add(0)], [], [add(1)]]

const addOne = [[add(0)]]

/** Explored in seconds. */
export const scenarios = {
  'three nodes update': { founders: 2, scripts: addEach },
  'two update, one node is lost': { founders: 2, scripts: addTwo, removals: 1 },
  'one updates, and the lost go on running': {
    founders: 2,
    scripts: addOne,
    removals: 2,
    zombies: true,
    late: true,
  },
  'one updates, and messages of different kinds overtake each other': {
    founders: 2,
    scripts: addOne,
    removals: 2,
    overtaking: true,
    late: true,
  },
  'one updates, views are missed, and the first one is late': {
    founders: 2,
    scripts: addOne,
    removals: 2,
    skips: true,
    fromStart: true,
  },
  'one updates without waiting, one node is lost': {
    founders: 2,
    scripts: [[add(0), add(1)]],
    pipelined: true,
    removals: 1,
  },
  'two objects are updated, and the home is lost': {
    founders: 2,
    scripts: [[['init', 'p', [['y', 1]]]], [], [add(0)]],
    removals: 1,
    mortal: [1],
  },
  'one changes only what another has made, homes are lost': {
    founders: 2,
    scripts: [[addAfter(1, 0)], [], [add(0)]],
    removals: 2,
  },
  'the same with one home, and its last words come late': {
    founders: 2,
    scripts: [[addAfter(1, 0)], [], [add(0)]],
    removals: 1,
    mortal: [1],
    late: true,
  },
  'a node joins and updates': { founders: 1, scripts: [[add(0)], [], [add(1)]], joins: 1 },
  'a node joins, and updates while the home is lost': {
    founders: 2,
    scripts: [[], [], [], [add(0)]],
    joins: 1,
    removals: 1,
    mortal: [1],
  },
  'readers wait, and one node is lost': {
    founders: 2,
    scripts: [[wait], [], [add(0), get]],
    removals: 1,
  },
  'set, delete and compare, every history is judged': {
    founders: 2,
    scripts: [[set(1), get], [['compareAndSet', 'o', 'x', 1, 2, null]], [remove]],
    history: isLinearizableHistory,
    anyValues: true,
  },
  'set and compare while the home is lost, every history is judged': {
    founders: 2,
    scripts: [[set(1)], [], [['compareAndSet', 'o', 'x', 1, 2, null], get]],
    removals: 1,
    mortal: [1],
    history: isLinearizableHistory,
    anyValues: true,
  },
} as const satisfies Record<string, Scenario>

/** Explored in minutes, by `npm run proof`. */
export const longScenarios = {
  'two objects are updated without waiting, and both homes are lost': {
    founders: 2,
    scripts: [
      [
        ['init', 'p', [['y', 1]]],
        ['delete', 'p', 'y', null],
      ],
      [],
      [add(0)],
    ],
    pipelined: true,
    removals: 2,
  },
  'two objects with homes that are spread, one of which is lost': {
    founders: 2,
    scripts: [[['init', 'p', [['y', 1]]], add(0)], [], [['set', 'p', 'y', 2, null]]],
    pipelined: true,
    removals: 1,
    placement: 'hash',
  },
  'two update, all nodes but the spawner are lost': {
    founders: 2,
    scripts: addTwo,
    removals: 2,
  },
  'three update, one node is lost': { founders: 2, scripts: addEach, removals: 1 },
  'two update, two are lost and go on running': {
    founders: 2,
    scripts: addTwo,
    removals: 2,
    zombies: true,
    late: true,
  },
  'two update, one is lost, and messages of different kinds overtake each other': {
    founders: 2,
    scripts: addTwo,
    removals: 1,
    overtaking: true,
    late: true,
  },
  'two update, views are missed, and the first one is late': {
    founders: 2,
    scripts: addTwo,
    removals: 2,
    skips: true,
    fromStart: true,
  },
  'a node joins, and the home is lost': {
    founders: 2,
    scripts: addOne,
    joins: 1,
    removals: 1,
    mortal: [1],
  },
  'homes are spread, a node joins, and one is lost': {
    founders: 2,
    scripts: [[], [], [], [add(0)]],
    joins: 1,
    removals: 1,
    placement: 'hash',
  },
  'three founders and the spawner: one updates, two are lost': {
    founders: 3,
    scripts: [[], [], [], [add(0)]],
    removals: 2,
  },
  'three founders and the spawner: two update, the home is lost': {
    founders: 3,
    scripts: [[], [], [add(0)], [add(1)]],
    removals: 1,
    mortal: [1],
  },
} as const satisfies Record<string, Scenario>
