/**
 * Worlds for the explorer: docs/protocols/update-on-release.md, "What was explored". Those in
 * `large` take a minute or more, and are explored by `npm run proof`.
 */
import type { Instruction, Scenario, Script } from './update-on-release-world.ts'

/** A critical section that counts: it writes two fields, of which nobody may see one alone. */
const count: readonly Instruction[] = [
  ['acquire', 'o'],
  ['release', { n: 'increment', m: 'increment' }],
]
const countEverywhere: readonly Instruction[] = [
  ['acquire', 'o'],
  ['release', { n: 'increment', m: 'increment' }, 'all'],
]
/** Nobody waits for the answer of the release. */
const countAndGo: readonly Instruction[] = [
  ['acquire', 'o'],
  ['tell', { n: 'increment', m: 'increment' }],
]

function at(place: number, ...steps: readonly Instruction[]): Script {
  return { place, steps }
}

export const small: Readonly<Record<string, Scenario>> = {
  'three sections at three nodes': {
    scripts: [at(0, ...count), at(1, ...count), at(2, ...count)],
  },
  'three sections, and messages of the master in any order': {
    scripts: [at(0, ...count), at(1, ...count), at(2, ...count)],
    reordered: true,
  },
  'three sections whose releases nobody waits for': {
    scripts: [at(0, ...countAndGo), at(1, ...countAndGo), at(2, ...countAndGo)],
  },
  'two sections, and the loss of a node that has one of them': {
    scripts: [at(0, ...count), at(2, ...count)],
    removable: [2],
  },
  'two sections, and the loss of the master': {
    scripts: [at(0, ...count), at(2, ...count)],
    removable: [1],
  },
  'two sections that all acknowledge, and the loss of a node': {
    scripts: [at(0, ...countEverywhere), at(2, ...countEverywhere)],
    removable: [2],
  },
  'two sections before all have joined': {
    scripts: [at(0, ...count), at(2, ...count)],
    joinOpen: true,
  },
  'two sections, one of them at a node that joins': {
    scripts: [at(0, ...count), at(3, ...count)],
    joiner: 3,
  },
  'a section that all acknowledge, also one that joins': {
    scripts: [at(0, ...countEverywhere), at(3, ...count)],
    places: [0, 1],
    joiner: 3,
  },
  'two threads of which one may be lost, and give up': {
    scripts: [at(0, ...count), at(2, ...count)],
    lost: [0],
    forgets: [0, 1],
  },
  'two routines that are ended and go on': {
    scripts: [at(0, ...count), at(2, ...count)],
    ends: [0, 1],
  },
  'what init writes, and who waits for it': {
    scripts: [
      at(0, ['init', 'o', { n: 5, m: 1 }], ...count),
      at(2, ['init', 'o', { n: 6 }], ['wait', 'o', 'n']),
    ],
  },
  'two objects, and a field that is deleted': {
    scripts: [
      at(0, ['acquire', 'o'], ['release', { x: 1 }], ['acquire', 'p'], ['release', { x: 1 }]),
      at(2, ['tryAcquire', 'o'], ['release', { x: null, y: 1 }]),
    ],
  },
}

export const large: Readonly<Record<string, Scenario>> = {
  'three sections, and the loss of a node': {
    scripts: [at(0, ...count), at(1, ...count), at(2, ...count)],
    removable: [2],
  },
  'three sections, and the loss of the master': {
    scripts: [at(0, ...count), at(1, ...count), at(2, ...count)],
    removable: [1],
  },
  'two sections, the loss of a node, and any order': {
    scripts: [at(0, ...countEverywhere), at(2, ...count)],
    removable: [2],
    reordered: true,
  },
  'three threads that may be lost, be ended and give up': {
    scripts: [at(0, ...count), at(2, ...count), at(2, ...count)],
    lost: [0, 1],
    ends: [2],
    forgets: [0, 1, 2],
  },
  'two sections, a node that joins, and the loss of that or another': {
    scripts: [at(0, ...count), at(3, ...count)],
    joiner: 3,
    removable: [2, 3],
  },
  'what init writes, and who waits for it, at three nodes': {
    scripts: [
      at(0, ['init', 'o', { n: 5, m: 1 }], ...count),
      at(2, ['init', 'o', { n: 5 }], ...count),
      at(1, ['init', 'o', { k: 1 }], ['wait', 'o', 'n']),
    ],
  },
  'init, the loss of the node that asked for it, and a routine that is ended': {
    scripts: [
      at(0, ['init', 'o', { n: 5, m: 1 }], ...count),
      at(2, ['init', 'o', { n: 5, m: 1, k: 1 }], ...count),
    ],
    ends: [1],
    removable: [2],
  },
}
