// All interleavings of small scenarios, runs by chance, and faults that both have to find.
// Invariants (M1..) are those of docs/protocols/membership.md.
import t from 'tap'
import type { NodeInput, NodeState } from '../../lib/protocol/membership-node.ts'
import type { SpawnerInput, SpawnerState } from '../../lib/protocol/membership-spawner.ts'
import { explore } from './explore.ts'
import { runByChance } from './membership-chance.ts'
import { drift, membershipModel, type Scenario } from './membership-model.ts'
import { faithful, type Steps } from './membership-world.ts'

const statesMax = 60_000
const seeds = 500

/** Of all messages, none takes longer than the instant in which it is sent. */
const prompt = { delayMax: 0, renewEvery: 0.75 } as const

const scenarios = {
  healthy: {
    name: 'two nodes in good health, messages take up to one unit',
    nodes: 2,
    horizon: 8,
    renewEvery: 0.75,
    delayMax: 1,
  },
  slow: { name: 'one node whose messages take as long as they like', nodes: 1, horizon: 9 },
  stopped: { name: 'one node that is stopped and goes on', nodes: 1, horizon: 7, stops: 1 },
  cut: { name: 'one node that is cut off', nodes: 1, horizon: 8, cuts: 1 },
  trueClocks: {
    name: 'one node that is cut off, and clocks that are right',
    nodes: 1,
    horizon: 8,
    cuts: 1,
    rates: [1, 1],
  },
  killed: { name: 'one node that is killed', nodes: 1, horizon: 8, kills: 1 },
  spawnerStopped: {
    name: 'the spawner is stopped and goes on',
    nodes: 1,
    horizon: 7,
    spawnerStops: 1,
  },
  oneOfTwo: { name: 'two nodes, one of them cut off', nodes: 2, horizon: 6, cuts: 1, ...prompt },
  pair: {
    name: 'two nodes that lose each other',
    nodes: 2,
    horizon: 8,
    pairs: [[1, 2]],
    ...prompt,
  },
  pairDies: {
    name: 'two nodes that lose each other because one was killed',
    nodes: 2,
    horizon: 2,
    pairs: [[1, 2]],
    kills: 1,
    ...prompt,
  },
} as const satisfies Record<string, Scenario & { name: string }>

t.test('membership: keeps its promises in every interleaving', async (t) => {
  let statesOfAll = 0
  for (const scenario of Object.values(scenarios)) {
    t.test(scenario.name, async (t) => {
      const result = explore(membershipModel(scenario), statesMax)
      statesOfAll += result.states
      t.comment(`${result.states} states, ${result.moves} moves, ${result.statesAtRest} at rest`)
      t.equal(result.violation, null, result.trace.join(', '))
      t.ok(result.statesAtRest > 0)
    })
  }
  t.teardown(() => t.comment(`${statesOfAll} states in all`))
})

t.test(
  'membership: one of a pair goes by its lease too, if it does not hear that it is to',
  async (t) => {
    const deaf: Steps = {
      ...faithful,
      spawner: (state, input) => withoutDismissal(faithful.spawner(state, input)),
    }
    const result = explore(membershipModel(scenarios.pair, deaf), statesMax)
    t.equal(result.violation, null, result.trace.join(', '))
  },
)

t.test('membership: keeps its promises by chance, with clocks that drift', async (t) => {
  const sum = { removed: 0, expired: 0, healthy: 0, came: 0 }
  for (let seed = 1; seed <= seeds; seed += 1) {
    const run = runByChance(seed, faithful)
    sum.removed += run.removed
    sum.expired += run.expired
    sum.healthy += run.healthy
    sum.came += run.came
  }
  t.comment(JSON.stringify(sum))
  for (const count of Object.values(sum)) t.ok(count > seeds / 2, 'all of it happens')
})

function spawnerMutant(
  spoil: (state: SpawnerState, input: SpawnerInput) => ReturnType<Steps['spawner']>,
): Steps {
  return { ...faithful, spawner: spoil }
}

function nodeMutant(
  spoil: (state: NodeState, input: NodeInput) => ReturnType<Steps['node']>,
): Steps {
  return { ...faithful, node: spoil }
}

type SpawnerOutputs = ReturnType<Steps['spawner']>

function withoutDismissal(outputs: SpawnerOutputs): SpawnerOutputs {
  return outputs.filter(({ type }) => type !== 'dismiss')
}

/** What is at fault, where it must show, and what must be said of it. */
type Mutant = readonly [scenario: Scenario, steps: Steps, violation: RegExp]

const mutants: Readonly<Record<string, Mutant>> = {
  'the lease is not waited for': [
    scenarios.cut,
    spawnerMutant((state, input) => {
      for (const each of state.members.values()) each.lastGrantAt = -Infinity
      return faithful.spawner(state, input)
    }),
    /M1: 1 was removed, and may serve/,
  ],
  'a suspect is granted a lease': [
    scenarios.pair,
    spawnerMutant((state, input) => {
      // Once it was dismissed it takes no grant.
      const outputs = withoutDismissal(faithful.spawner(state, input))
      if (input.type !== 'renew' || outputs[0]?.type === 'grant') return outputs
      if (!state.members.has(input.place)) return outputs
      return [{ ...input, type: 'grant', epoch: state.epoch }, ...outputs]
    }),
    /M1: 2 was removed, and may serve/,
  ],
  'the lease counts from its receipt': [
    scenarios.cut,
    nodeMutant((state, input) => {
      if (input.type === 'granted') {
        for (const nonce of state.renewals.keys()) state.renewals.set(nonce, input.now)
      }
      return faithful.node(state, input)
    }),
    /M1: 1 was removed, and may serve/,
  ],
  'the node takes no account of drift': [
    scenarios.cut,
    nodeMutant((state, input) => {
      const leaseMs = state.times.leaseMs / (1 - drift)
      const times = { ...state.times, leaseMs }
      const spoiled = Object.assign(state, { times: Object.freeze(times) })
      const outputs = faithful.node(spoiled, input)
      Object.assign(state, { times: Object.freeze({ ...times, leaseMs: leaseMs * (1 - drift) }) })
      return outputs
    }),
    /M1: 1 was removed, and may serve/,
  ],
  'the spawner waits no longer than the node': [
    scenarios.cut,
    spawnerMutant((state, input) => {
      const { waitMs, leaseMs } = state.times
      for (const each of state.members.values()) each.lastGrantAt -= waitMs - leaseMs
      const outputs = faithful.spawner(state, input)
      for (const each of state.members.values()) {
        if (each.lastGrantAt !== input.now) each.lastGrantAt += waitMs - leaseMs
      }
      return outputs
    }),
    /M1: 1 was removed, and may serve/,
  ],
  'a lease that ran out comes back': [
    scenarios.stopped,
    nodeMutant((state, input) => {
      if (input.type === 'granted') {
        state.expired = false
        state.leaseEndAt = input.now + state.times.leaseMs
      }
      return faithful.node(state, input)
    }),
    /M1: 1 was removed, and may serve/,
  ],
  'nobody is given up for silence': [
    scenarios.killed,
    spawnerMutant((state, input) => {
      for (const each of state.members.values()) each.lastHeardAt = input.now
      return faithful.spawner(state, input)
    }),
    /M3: 1 was heard of at/,
  ],
  'both of a pair go': [
    scenarios.pair,
    spawnerMutant((state, input) => {
      const outputs = faithful.spawner(state, input)
      if (outputs.some(({ type }) => type === 'dismiss')) {
        for (const each of state.members.values()) each.suspicion = 'cut off'
      }
      return outputs
    }),
    /M4: both of 1-2 went/,
  ],
  'disputes are not settled': [
    scenarios.pair,
    spawnerMutant((state, input) => {
      state.disputes = []
      return faithful.spawner(state, input)
    }),
    /M4: 1-2 was reported/,
  ],
  'an epoch is passed over': [
    scenarios.killed,
    spawnerMutant((state, input) => {
      if (state.epoch === 1) state.epoch = 2
      return faithful.spawner(state, input)
    }),
    /M2: epoch 3 instead of 2/,
  ],
  'a view is not taken': [
    scenarios.oneOfTwo,
    nodeMutant((state, input) => {
      if (input.type !== 'view' || input.epoch === 1) return faithful.node(state, input)
      return []
    }),
    /M2: \d passed over a view/,
  ],
  'renewals are sent too late': [
    { ...scenarios.healthy, nodes: 1 },
    nodeMutant((state, input) => {
      const outputs = faithful.node(state, input)
      if (outputs.some(({ type }) => type === 'renew')) state.renewAt += 2
      return outputs
    }),
    /M6: 1 is well, and its lease ran out/,
  ],
}

t.test('membership: the explorer finds planted faults', async (t) => {
  for (const [name, [scenario, steps, violation]] of Object.entries(mutants)) {
    const result = explore(membershipModel(scenario, steps), statesMax)
    t.match(result.violation, violation, `${name}: ${result.trace.join(', ')}`)
  }
})

t.test('membership: runs by chance find planted faults too', async (t) => {
  const inChance = [
    'the lease is not waited for',
    'a suspect is granted a lease',
    'the lease counts from its receipt',
    'a lease that ran out comes back',
    'nobody is given up for silence',
    'both of a pair go',
    'an epoch is passed over',
  ]
  for (const name of inChance) {
    const steps = mutants[name]?.[1] ?? faithful
    let found = 0
    for (let seed = 1; seed <= 60 && found === 0; seed += 1) {
      try {
        runByChance(seed, steps)
      } catch {
        found = seed
      }
    }
    t.ok(found > 0, `${name}: by seed ${found}`)
  }
})
