/** Small clusters with their writes, for weak-explore.test.ts and weak-mutants.test.ts. */
import type { EncodedValue } from '../../lib/wire/messages.ts'
import type { WeakOperation } from '../../lib/wire/weak-messages.ts'
import type { WeakScenario } from './weak-model.ts'

export const set = (field: string, value: EncodedValue): WeakOperation =>
  Object.freeze(['set', 'o', field, value, null])
export const add = (field: string, delta: number): WeakOperation =>
  Object.freeze(['add', 'o', field, delta, null])
export const remove = (field: string): WeakOperation => Object.freeze(['delete', 'o', field, null])
export const init = (field: string, value: EncodedValue): WeakOperation =>
  Object.freeze(['init', 'o', Object.freeze([Object.freeze([field, value] as const)])])
export const get = (field: string): WeakOperation => Object.freeze(['get', 'o', field, 0])
export const sync: WeakOperation = Object.freeze(['sync'])
export const fence: WeakOperation = Object.freeze(['fence'])

const many = { windowUpdates: 8, acknowledgeUpdates: 2 }

/** By name, so that a mutant's test can say where it is found. */
export const weakScenarios = {
  writes: {
    name: 'three nodes write a field, one is removed',
    founders: 3,
    scripts: [[set('x', 1)], [set('x', 2)], [set('x', 3)]],
    removals: [2],
  },
  sync: {
    name: 'a node writes and syncs, another one writes and is removed',
    founders: 3,
    scripts: [[], [set('x', 1), sync], [set('x', 2)]],
    removals: [2],
  },
  syncRemoved: {
    name: 'a node that writes and syncs is removed',
    founders: 3,
    scripts: [[get('x')], [], [set('x', 1), sync, set('x', 2)]],
    removals: [2],
  },
  fence: {
    name: 'a node writes and fences, another one writes and is removed',
    founders: 3,
    scripts: [[], [set('x', 1), fence, get('y')], [set('y', 2)]],
    removals: [2],
  },
  fenceOnly: {
    name: 'a node that has written nothing fences, another one writes and is removed',
    founders: 3,
    scripts: [[], [fence, get('x')], [set('x', 1)]],
    removals: [2],
  },
  fences: {
    name: 'two nodes write and fence',
    founders: 2,
    scripts: [
      [set('x', 1), fence, get('y')],
      [set('y', 1), fence, get('x')],
    ],
  },
  counter: {
    name: 'three nodes add to a counter, one is removed',
    founders: 3,
    scripts: [[add('x', 1)], [add('x', 2)], [add('x', 4)]],
    removals: [2],
  },
  generations: {
    name: 'a counter is set while others add to it, one is removed',
    founders: 3,
    scripts: [[set('x', 8)], [add('x', 1)], [add('x', 2)]],
    removals: [1],
  },
  init: {
    name: 'two nodes initialise a counter and add to it',
    founders: 3,
    scripts: [[init('x', 8), add('x', 1)], [init('x', 16)], [add('x', 2)]],
    removals: [],
  },
  initAndSet: {
    name: 'a field is initialised by one node, set and deleted by another, one is removed',
    founders: 3,
    scripts: [[set('x', 1), remove('x')], [init('x', 8)], []],
    removals: [1],
  },
  remove: {
    name: 'a field is set, deleted and added to, one node is removed',
    founders: 3,
    scripts: [[set('x', 1)], [remove('x')], [add('x', 4)]],
    removals: [2],
  },
  twoFields: {
    name: 'a node writes three times and is removed, another overwrites',
    founders: 3,
    scripts: [[], [set('x', 4)], [set('x', 1), set('y', 2)]],
    removals: [2],
    late: true,
  },
  twice: {
    name: 'a node writes twice and is removed, and so is one that had it',
    founders: 4,
    scripts: [[], [], [], [set('x', 1)]],
    removals: [3, 2],
    late: true,
  },
  twiceFrom: {
    name: 'a node is removed whose write came to one other, and then that one is removed',
    founders: 4,
    scripts: [[], [], [], [set('x', 1)]],
    removals: [3, 2],
    late: true,
    start: ['ask 3', 'take 3 0 2', 'remove 3', 'lose 3 0', 'lose 3 1'].concat([
      'view 0',
      'view 1',
      'view 2',
      'remove 2',
    ]),
  },
  gaps: {
    name: 'two nodes are removed, views are missed',
    founders: 4,
    scripts: [[], [set('y', 1)], [], [set('x', 1)]],
    removals: [3, 2],
    gaps: true,
  },
  join: {
    name: 'a node joins while two write, and writes itself',
    founders: 2,
    scripts: [[set('x', 1)], [set('x', 2)], [get('x'), set('y', 1)]],
  },
  joinAlone: {
    name: 'a node joins the spawner, both write and sync',
    founders: 1,
    scripts: [
      [set('x', 1), sync, set('y', 1)],
      [get('y'), add('x', 2), fence],
    ],
  },
  joinOne: {
    name: 'a node joins while another one writes',
    founders: 2,
    scripts: [[], [set('x', 1)], [get('x')]],
  },
  joinSync: {
    name: 'a node joins while another one writes and syncs',
    founders: 2,
    scripts: [[], [set('x', 1), sync, set('y', 2)], [get('y'), get('x')]],
  },
  joinRemoval: {
    name: 'a node joins and another is removed, all views in any order',
    founders: 3,
    scripts: [[], [], [set('x', 1), set('y', 2)], [get('y'), get('x')]],
    removals: [2],
    gaps: true,
  },
  joinRemoved: {
    name: 'a node joins, writes and is removed',
    founders: 2,
    scripts: [[set('x', 1)], [], [set('x', 2), add('y', 1)]],
    removals: [2],
    late: true,
    gaps: true,
  },
  causal: {
    name: 'three nodes write in causal order, one is removed',
    founders: 3,
    scripts: [[set('z', 3)], [set('y', 2)], [set('x', 1)]],
    removals: [2],
    order: 'causal',
  },
  causalSync: {
    name: 'two nodes write, one of them syncs, in causal order',
    founders: 3,
    scripts: [[get('y'), get('x')], [set('y', 2), sync], [set('x', 1)]],
    order: 'causal',
  },
  causalJoin: {
    name: 'a node joins while two write in causal order',
    founders: 2,
    scripts: [[set('x', 1)], [set('y', 2)], [set('z', 3)]],
    order: 'causal',
  },
  shuffled: {
    name: 'updates overtake each other and come twice',
    founders: 2,
    scripts: [
      [set('x', 1), set('y', 2), sync],
      [get('y'), add('x', 1)],
    ],
    shuffled: true,
  },
  window: {
    name: 'a node writes more than the window has room for, another is removed',
    founders: 3,
    scripts: [[], [get('x')], [set('x', 1), set('x', 2), set('x', 3)]],
    removals: [1],
    bounds: { windowUpdates: 1, acknowledgeUpdates: 1 },
  },
  acknowledged: {
    name: 'updates are acknowledged and no longer kept, and their node is removed',
    founders: 3,
    scripts: [[], [], [set('x', 1), set('y', 2), set('x', 3)]],
    removals: [2],
    bounds: many,
  },
} satisfies Record<string, WeakScenario>

/** Those that take minutes: test/proof/weak.proof.ts. */
export const largeScenarios: readonly (keyof typeof weakScenarios)[] = [
  'twice',
  'gaps',
  'join',
  'joinSync',
  'joinRemoval',
  'joinRemoved',
  'causalJoin',
]
