// Refs: all interleavings of small worlds, and seeds of larger ones. The rules:
// docs/protocols/ref.md.
import t from 'tap'
import type { RefMutant } from '../../lib/protocol/ref.ts'
import { randomOf } from '../hub/random.ts'
import { explore, type Model, Violation } from './explore.ts'
import { refModel, type Scenario, type World } from './ref-model.ts'

const statesMax = 50_000

const scenarios = {
  two: { nodes: 2, starts: 2, gets: 1, returns: true },
  again: { nodes: 2, starts: 2, gets: 2 },
  three: { nodes: 3, starts: 2, gets: 1 },
  given: { nodes: 3, starts: 2, gets: 0, returns: true },
  home: { nodes: 2, owner: 1, starts: 2, gets: 1, returns: true },
  crash: { nodes: 2, starts: 1, gets: 1, returns: true, crashes: 1 },
  crashOfOwner: { nodes: 2, owner: 1, starts: 1, gets: 2, returns: true, crashes: 1 },
} satisfies Record<string, Scenario>

t.test('refs: a value is there while anybody holds it, and then nowhere (R1 to R5)', async (t) => {
  for (const [name, scenario] of Object.entries(scenarios)) {
    const { violation, trace, states, statesAtRest } = explore(refModel(scenario), statesMax)
    t.equal(violation, null, name)
    if (violation !== null) t.comment(trace.join(', '))
    t.comment(`${name}: ${states} states, ${statesAtRest} of them at rest`)
    t.ok(statesAtRest > 0)
  }
})

t.test('refs: larger worlds keep the rules, with crashes, by seeds', async (t) => {
  const large: readonly Scenario[] = [
    { nodes: 4, starts: 6, gets: 4, returns: true, crashes: 2 },
    { nodes: 3, owner: 1, starts: 8, gets: 6, returns: true, crashes: 1 },
  ]
  for (const scenario of large) {
    for (let seed = 1; seed <= 300; seed++) {
      const violation = walk(refModel(scenario), seed)
      if (violation !== null) t.equal(violation, null, `seed ${seed}`)
    }
  }
  t.pass('300 seeds each')
})

t.test('refs: planted faults are found', async (t) => {
  const planted: readonly (readonly [RefMutant, Scenario, RegExp])[] = [
    ['no hold while on the way', { nodes: 3, starts: 2, gets: 0 }, /^R1/],
    ['a drop counts for all', scenarios.two, /^R1/],
    ['forgotten while asking', { nodes: 3, starts: 3, gets: 0, crashes: 1 }, /^R[12]/],
    ['asked for each time', { nodes: 2, starts: 1, gets: 2 }, /^R3/],
    ['freed with the last hold here', { nodes: 2, starts: 2, gets: 2 }, /^R3/],
    ['copies are forgotten', { nodes: 2, starts: 1, gets: 1 }, /^R2/],
  ]
  for (const [mutant, scenario, expected] of planted) {
    const violation = seedsOf({ ...scenario, mutant }, 20_000)
    t.match(violation, expected, mutant)
  }
})

/** Takes one move after the other by chance, until the model is at rest. */
function walk(model: Model<World>, seed: number): string | null {
  const random = randomOf(seed)
  const world = model.initial()
  try {
    for (let moves = model.moves(world); moves.length > 0; moves = model.moves(world)) {
      // Faults alone are no reason to go on, and seldom taken.
      if (moves.every(({ fault }) => fault)) break
      const move = moves[Math.floor(random() * moves.length)] as (typeof moves)[number]
      if (!move.fault || random() < 0.1) model.apply(world, move)
    }
    model.atRest(world)
    return null
  } catch (error) {
    if (error instanceof Violation) return error.message
    throw error
  }
}

/** The first violation that any of so many seeds shows. */
function seedsOf(scenario: Scenario, seeds: number): string | null {
  const model = refModel(scenario)
  for (let seed = 1; seed <= seeds; seed++) {
    const violation = walk(model, seed)
    if (violation !== null) return violation
  }
  return null
}
