/**
 * The litmus shapes: of short programs, each thread at a replica of its own, which outcomes there
 * are. All interleavings of the machines: what is forbidden never comes, and what is allowed does,
 * or the exploration would not be worth much. "+s": a `sync` after each write; "+f": a `fence`.
 */
import t from 'tap'
import type { WeakOperation } from '../../lib/wire/weak-messages.ts'
import { explore } from './explore.ts'
import { weakModel } from './weak-model.ts'
import { fence, get, set, sync } from './weak-scenarios.ts'

// Of all together, on a machine that has much else to do.
t.setTimeout(240_000)

type Verdict = 'forbidden' | 'allowed'

interface Shape {
  readonly programs: readonly (readonly WeakOperation[])[]
  /** What the reads of each thread give; 0 is absent. */
  readonly outcome: readonly (readonly number[])[]
  readonly fifo: Verdict
  readonly causal: Verdict
  readonly after?: Readonly<Record<number, readonly [place: number, done: number]>>
}

const x = get('x')
const y = get('y')
const forbidden = { fifo: 'forbidden', causal: 'forbidden' } as const
const allowed = { fifo: 'allowed', causal: 'allowed' } as const
const ofCausal = { fifo: 'allowed', causal: 'forbidden' } as const

const shapes: Readonly<Record<string, Shape>> = {
  RYW: { programs: [[set('x', 1), x], []], outcome: [[0], []], ...forbidden },
  CoRR: {
    programs: [
      [set('x', 1), set('x', 2)],
      [x, x],
    ],
    outcome: [[], [2, 1]],
    ...forbidden,
  },
  MP: {
    programs: [
      [set('x', 1), set('y', 1)],
      [y, x],
    ],
    outcome: [[], [1, 0]],
    ...forbidden,
  },
  SB: {
    programs: [
      [set('x', 1), y],
      [set('y', 1), x],
    ],
    outcome: [[0], [0]],
    ...allowed,
  },
  'SB+s': {
    programs: [
      [set('x', 1), sync, y],
      [set('y', 1), sync, x],
    ],
    outcome: [[0], [0]],
    ...forbidden,
  },
  'SB+f': {
    programs: [
      [set('x', 1), fence, y],
      [set('y', 1), fence, x],
    ],
    outcome: [[0], [0]],
    ...forbidden,
  },
  WRC: {
    programs: [[set('x', 1)], [x, set('y', 1)], [y, x]],
    outcome: [[], [1], [1, 0]],
    ...ofCausal,
  },
  'WRC+s (second thread only)': {
    programs: [[set('x', 1)], [x, set('y', 1), sync], [y, x]],
    outcome: [[], [1], [1, 0]],
    ...ofCausal,
  },
  'WRC+f (third thread only)': {
    programs: [[set('x', 1)], [x, set('y', 1)], [y, fence, x]],
    outcome: [[], [1], [1, 0]],
    ...forbidden,
  },
  IRIW: {
    programs: [[set('x', 1)], [set('y', 1)], [x, y], [y, x]],
    outcome: [[], [], [1, 0], [1, 0]],
    ...allowed,
  },
  CoIRIW: {
    programs: [[set('x', 1)], [set('x', 2)], [x, x], [x, x]],
    outcome: [[], [], [1, 2], [2, 1]],
    ...forbidden,
  },
  NOI: {
    programs: [[set('x', 1)], [x], [x]],
    outcome: [[], [1], [0]],
    // The second read begins after the first has returned.
    after: { 2: [1, 1] },
    ...allowed,
  },
}

for (const [name, shape] of Object.entries(shapes)) {
  for (const order of ['fifo', 'causal'] as const) {
    t.test(`weak, ${order}: ${name} is ${shape[order]}`, async (t) => {
      const outcomes = new Set<string>()
      const found = explore(
        weakModel({
          name,
          founders: shape.programs.length,
          scripts: shape.programs,
          order,
          ...(shape.after === undefined ? {} : { after: shape.after }),
          outcome: (reads) => {
            const values = reads.map((each) => each.map((value) => value ?? 0))
            outcomes.add(JSON.stringify(values))
          },
        }),
        200_000,
      )
      t.comment(`${found.states} states, ${outcomes.size} outcomes`)
      t.equal(found.violation, null)
      t.equal(outcomes.has(JSON.stringify(shape.outcome)), shape[order] === 'allowed')
    })
  }
}

t.test('weak, causal: WRC is found where nothing waits for its causes', async (t) => {
  const shape = shapes.WRC as Shape
  const scenario = { name: 'WRC', founders: 3, scripts: shape.programs, order: 'causal' } as const
  t.match(explore(weakModel(scenario, 'no causal wait'), 200_000).violation, /^W6/)
})
