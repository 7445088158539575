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

export const weakScenarios: readonly WeakScenario[] = [
  {
    name: 'three nodes write a field, one is removed',
    founders: 3,
    scripts: [[set('x', 1)], [set('x', 2)], [set('x', 3)]],
    removals: [2],
  },
  {
    name: 'a node writes two fields and syncs, another is removed',
    founders: 3,
    scripts: [[], [set('x', 1), set('y', 1), sync], [set('x', 2)]],
    removals: [2],
  },
  {
    name: 'a node that syncs is removed',
    founders: 3,
    scripts: [[], [], [set('x', 1), sync, set('x', 2)]],
    removals: [2],
  },
  {
    name: 'three nodes add to a counter, one is removed',
    founders: 3,
    scripts: [[add('x', 1)], [add('x', 2)], [add('x', 4)]],
    removals: [2],
  },
]
