// All interleavings of small scenarios; of the largest one only in the proof, which says `--all`.
// Invariants: docs/protocols/strict.md and lock.md.
import process from 'node:process'
import t from 'tap'
import type { LockInput, LockState } from '../../lib/protocol/lock.ts'
import type { StrictInput, StrictState } from '../../lib/protocol/strict.ts'
import type { StrictOperation } from '../../lib/wire/messages.ts'
import { copyPlain, explore, Violation } from './explore.ts'
import type { Instruction, Scenario, Steps } from './hub-model.ts'
import { faithful, hubModel } from './hub-model.ts'
import type { Completed } from './linearizable.ts'
import { isLinearizable } from './linearizable.ts'
import { isLinearizableHistory, register } from './register-history.ts'

const statesMax = 500_000
const isAll = process.argv.includes('--all')

const askX = (operation: StrictOperation): Instruction => ['ask', operation]
const increment: readonly Instruction[] = [
  ['acquire', 'l'],
  askX(['get', 'o', 'x', 0]),
  ['increment', 'x'],
  ['release', 'l'],
]
const inOrder = (...names: string[]): Instruction[] => [
  ...names.map((name) => ['acquire', name] as const),
  ...names.map((name) => ['release', name] as const),
]

const scenarios = {
  count: {
    name: 'three threads count under a lock, one crashes',
    scripts: [increment, increment, increment],
    crashes: 1,
  },
  zombie: {
    name: 'two threads count under a lock, one is ended while it runs, one crashes',
    scripts: [increment, increment],
    ends: 1,
    crashes: 1,
  },
  forget: {
    name: 'three threads contend, calls are forgotten, one crashes',
    scripts: [inOrder('l'), inOrder('l'), [['tryAcquire', 'l'], ['release', 'l'], ...inOrder('l')]],
    forgets: 2,
    crashes: 1,
  },
  crosswise: {
    name: 'two locks are taken crosswise, and a third thread stands in between',
    scripts: [inOrder('a', 'b'), inOrder('b', 'a'), inOrder('a')],
    crashes: 1,
    forgets: isAll ? 1 : 0,
  },
  ring: {
    name: 'three locks are taken in a ring',
    scripts: [inOrder('a', 'b'), inOrder('b', 'c'), inOrder('c', 'a')],
  },
  wait: {
    name: 'threads wait for a field that is set, deleted and set again',
    scripts: [
      [
        askX(['set', 'o', 'x', 1, null]),
        askX(['delete', 'o', 'x', null]),
        askX(['set', 'o', 'x', 1, null]),
      ],
      [
        ['wait', 'x'],
        ['wait', 'x'],
        ['wait', 'x'],
      ],
      [['wait', 'x'], askX(['add', 'o', 'x', 1, null])],
    ],
    forgets: 1,
    crashes: 1,
  },
  init: {
    name: 'a field is initialised, deleted and initialised again',
    scripts: [
      [askX(['init', 'o', [['x', 1]]]), askX(['delete', 'o', 'x', null])],
      [askX(['init', 'o', [['x', 1]]]), askX(['add', 'o', 'x', 1, null])],
      [askX(['get', 'o', 'x', 0]), ['wait', 'x']],
    ],
    crashes: 1,
  },
  race: {
    name: 'three threads read and write without a lock, every history is judged',
    scripts: [
      [askX(['set', 'o', 'x', 5, null]), askX(['get', 'o', 'x', 0])],
      [askX(['compareAndSet', 'o', 'x', 5, 6, null])],
      [askX(['add', 'o', 'x', 1, null])],
    ],
    history: isLinearizableHistory,
  },
} as const satisfies Record<string, Scenario & { name: string }>

let statesOfAll = 0

t.test('hub: strict objects and locks keep their promises in every interleaving', async (t) => {
  for (const scenario of Object.values(scenarios)) {
    t.test(scenario.name, async (t) => {
      const result = explore(hubModel(scenario), statesMax)
      statesOfAll += result.states
      t.comment(`${result.states} states, ${result.moves} moves, ${result.statesAtRest} at rest`)
      t.equal(result.violation, null, result.trace.join(', '))
      t.ok(result.statesAtRest > 0)
    })
  }
  t.teardown(() => t.comment(`${statesOfAll} states in all`))
})

t.test('hub: threads that count under a lock lose no increment', async (t) => {
  const model = hubModel({ scripts: [increment, increment, increment] })
  const counts = new Set<unknown>()
  const result = explore(
    {
      ...model,
      atRest: (state) => counts.add(state.strict.objects.get('o')?.fields.get('x')?.value),
    },
    statesMax,
  )
  t.equal(result.violation, null)
  t.strictSame([...counts], [3])
})

/** A strict machine to which requests come in another shape. */
function rewritten(rewrite: (operation: StrictOperation) => StrictOperation): Partial<Steps> {
  return {
    strict: (state, input) => {
      if (input.type !== 'request') return faithful.strict(state, input)
      return faithful.strict(state, { ...input, operation: rewrite(input.operation) })
    },
  }
}

function strictMutant(
  spoil: (state: StrictState, input: StrictInput) => ReturnType<Steps['strict']>,
): Partial<Steps> {
  return { strict: spoil }
}

function lockMutant(
  spoil: (state: LockState, input: LockInput) => ReturnType<Steps['lock']>,
): Partial<Steps> {
  return { lock: spoil }
}

/** Where the fault must show, what is at fault, and what must be said of it. */
type Mutant = readonly [scenario: Scenario, steps: Partial<Steps>, violation: RegExp]

const mutants: Readonly<Record<string, Mutant>> = {
  'fences are ignored': [
    scenarios.zombie,
    rewritten((operation) => {
      if (operation[0] === 'set')
        return [...operation.slice(0, 4), null] as unknown as typeof operation
      return operation
    }),
    /S3: a stale write took effect/,
  ],
  'a freed lock is not told to the stores before it is granted again': [
    scenarios.zombie,
    strictMutant((state, input) => {
      return input.type === 'lockFreed' ? [] : faithful.strict(state, input)
    }),
    /S3: a stale write took effect/,
  ],
  'the last who came is granted first': [
    scenarios.forget,
    lockMutant((state, input) => {
      const enters = input.type === 'request' && input.operation[0] === 'acquire'
      for (const { queue } of state.locks.values()) {
        const last = enters ? undefined : queue.pop()
        if (last !== undefined) queue.unshift(last)
      }
      return faithful.lock(state, input)
    }),
    /L3: l went to \d, who was not the first/,
  ],
  'a lost client is not freed': [
    scenarios.count,
    lockMutant((state, input) => (input.type === 'clientLost' ? [] : faithful.lock(state, input))),
    /L5: l belongs to the lost/,
  ],
  'a lost client keeps its place in the queue': [
    scenarios.forget,
    lockMutant((state, input) => {
      const entry = input.type === 'clientLost' ? state.clients.get(input.client) : undefined
      const waits = [...(entry?.waits ?? [])]
      const queues = [...state.locks.values()].map((held) => [held, [...held.queue]] as const)
      const outputs = faithful.lock(state, input)
      if (waits.length === 0) return outputs
      for (const [held, queue] of queues) held.queue.splice(0, held.queue.length, ...queue)
      return outputs
    }),
    /L3|L5/,
  ],
  'tokens start again when no lock is held': [
    scenarios.count,
    lockMutant((state, input) => {
      if (state.locks.size === 0) state.lastToken = 0
      return faithful.lock(state, input)
    }),
    /L2: a token came again/,
  ],
  'a held lock is granted at once': [
    scenarios.count,
    lockMutant((state, input) => {
      if (input.type === 'request' && input.operation[0] === 'acquire') {
        state.locks.delete(input.operation[1])
      }
      return faithful.lock(state, input)
    }),
    /L1: l granted twice/,
  ],
  'a forgotten call stays in the queue': [
    scenarios.forget,
    lockMutant((state, input) => {
      if (input.type !== 'forget') return faithful.lock(state, input)
      const rest = { client: input.client, call: input.call, lock: '', token: 0 }
      return [{ type: 'forgotten', forgotten: true, ...rest }]
    }),
    /L3/,
  ],
  'a forgotten call that was granted is not given back': [
    scenarios.forget,
    lockMutant((state, input) => {
      const outputs = faithful.lock(state, input)
      return outputs.map((each) => (each.type === 'forgotten' ? { ...each, token: 0 } : each))
    }),
    /L9: \d is left with \[.acquire/,
  ],
  'cycles are not looked for': [
    scenarios.crosswise,
    lockMutant((state, input) => {
      // Asynchronous code outside of routines makes no edge.
      if (input.type !== 'request') return faithful.lock(state, input)
      return faithful.lock(state, { ...input, owner: 0, blocking: false })
    }),
    /L8: \d was let into a deadlock/,
  ],
  'whoever holds a lock is refused a second that is held': [
    scenarios.crosswise,
    lockMutant((state, input) => {
      const outputs = faithful.lock(state, input)
      if (input.type !== 'request' || outputs[0]?.type !== 'parked') return outputs
      if ((state.clients.get(input.client)?.holds.size ?? 0) === 0) return outputs
      faithful.lock(state, { type: 'forget', client: input.client, call: input.call })
      const { client, call } = input
      return [{ type: 'refuse', client, call, code: 'ERR_GOAWAY_DEADLOCK', message: '' }]
    }),
    /L8: \d was refused at ., where it could wait/,
  ],
  'a wait compares with > (a deletion wakes nobody)': [
    scenarios.wait,
    strictMutant((state, input) => {
      if (input.type !== 'request' || input.operation[0] !== 'delete') {
        return faithful.strict(state, input)
      }
      const object = state.objects.get('o')
      const waits = [...(object?.waits ?? [])]
      object?.waits.clear()
      const outputs = faithful.strict(state, input)
      for (const [field, list] of waits) object?.waits.set(field, list)
      return outputs
    }),
    /S4/,
  ],
  'a wait is parked though the version differs already': [
    scenarios.wait,
    rewritten((operation) => {
      if (operation[0] !== 'wait') return operation
      return ['wait', operation[1], operation[2], 0]
    }),
    /S4/,
  ],
  'the last who waits is woken first': [
    scenarios.wait,
    strictMutant((state, input) => {
      const [first, ...woken] = faithful.strict(state, input)
      return first === undefined ? [] : [first, ...woken.reverse()]
    }),
    /S4/,
  ],
  'init sets again after a delete': [
    scenarios.init,
    strictMutant((state, input) => {
      if (input.type === 'request' && input.operation[0] === 'delete') {
        state.objects.get('o')?.initialised.clear()
      }
      return faithful.strict(state, input)
    }),
    /S5/,
  ],
  'versions start again after a delete': [
    scenarios.wait,
    strictMutant((state, input) => {
      const outputs = faithful.strict(state, input)
      const object = state.objects.get('o')
      if (object !== undefined && object.fields.size === 0) object.version = 0
      return outputs
    }),
    /S1/,
  ],
  'a wait is answered twice': [
    scenarios.wait,
    strictMutant((state, input) => {
      const outputs = faithful.strict(state, input)
      return outputs.length > 1 ? [...outputs, ...outputs.slice(1)] : outputs
    }),
    /S4/,
  ],
}

t.test('hub: the explorer finds planted faults', async (t) => {
  for (const [name, [scenario, steps, expected]] of Object.entries(mutants)) {
    t.test(name, async (t) => {
      const result = explore(hubModel(scenario, { ...faithful, ...steps }), statesMax)
      t.match(result.violation, expected)
      t.comment(`${result.states} states: ${result.violation}`)
      t.comment(result.trace.join(', '))
    })
  }
})

t.test('hub: a master that answers from a stale copy is found by histories alone', async (t) => {
  // It answers its first read with what the field was before anything was written.
  const steps: Steps = {
    ...faithful,
    strict: (state, input) => {
      if (input.type !== 'request' || input.operation[0] !== 'get') {
        return faithful.strict(state, input)
      }
      const { client, call } = input
      return [{ type: 'answer', client, call, answer: [0, undefined] }]
    },
  }
  const model = hubModel(scenarios.race, steps)
  // The monitor would find it at the step; here it is silenced, so that only the history speaks.
  const silent = {
    ...model,
    apply: (...[state, move]: Parameters<typeof model.apply>) => {
      try {
        model.apply(state, move)
      } catch (error) {
        if (!(error instanceof Violation)) throw error
        const client = state.clients[move.client]
        client?.down.push(Object.freeze([client.calls, [0, undefined], null] as const))
      }
    },
  }
  t.match(explore(silent, statesMax).violation, /S1: not linearizable/)
})

t.test('isLinearizable()', async (t) => {
  const judge = (...history: Completed<StrictOperation>[]): boolean => {
    return isLinearizable(history, undefined, register)
  }
  const write = (value: number, start: number, end: number): Completed<StrictOperation> => {
    return { operation: ['set', 'o', 'x', value, null], answer: 'set', start, end }
  }
  const read = (value: unknown, start: number, end: number): Completed<StrictOperation> => {
    return { operation: ['get', 'o', 'x', 0], answer: `get ${value}`, start, end }
  }
  t.ok(judge(write(1, 0, 1), read(1, 2, 3)))
  t.notOk(judge(write(1, 0, 1), read(undefined, 2, 3)), 'a read of what was over')
  t.ok(judge(write(1, 0, 3), read(undefined, 1, 2)), 'a read beside a write sees either')
  t.notOk(judge(write(1, 0, 9), read(1, 1, 2), read(undefined, 3, 4)), 'no way back')
  const lost: Completed<StrictOperation> = { ...write(1, 0, 0), answer: null, end: Infinity }
  t.ok(judge(lost, read(1, 1, 2)), 'a write without an answer may have taken effect')
  t.ok(judge(lost, read(undefined, 1, 2)), 'or not')
})

t.test('explore() copies states and tells them apart', async (t) => {
  const state = { map: new Map([[1, [2]]]), set: new Set(['a']) }
  const copy = copyPlain(state)
  t.strictSame(copy, state)
  copy.map.get(1)?.push(3)
  t.strictSame(state.map.get(1), [2])
})
