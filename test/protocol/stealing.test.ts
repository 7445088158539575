/**
 * docs/protocols/placement.md, step 7 and P7: all that can happen in small worlds, larger ones by
 * chance, and planted faults that have to be found. The largest are explored with `--all`.
 */
import process from 'node:process'
import t from 'tap'
import { explore, Violation } from './explore.ts'
import { seeded } from './schedule-world.ts'
import { StealingModel } from './stealing-model.ts'
import type { PlantedFault, StealingOptions } from './stealing-world.ts'

const long = { long: true }
const two = [1, 1]

/** Small enough for all orders of events. */
const worlds: Readonly<Record<string, StealingOptions>> = {
  'one long, two short': { threads: two, routines: [long, {}, {}] },
  'a large order is overtaken': { threads: two, routines: [long, { large: true }] },
  wishes: {
    threads: two,
    routines: [{ ...long, on: 'node-1' }, { on: 'node-2' }, { apart: 'node-1' }],
  },
  'one is cancelled': { threads: two, cancels: 1, routines: [long, {}] },
}

/** What is played by chance. */
const plays: Readonly<Record<string, StealingOptions>> = {
  'many, of several kinds': {
    threads: [1, 2, 1],
    routines: [long, {}, { large: true }, long, { apart: 'node-1' }, {}, { priority: 1 }, {}],
  },
  'two starters, a loss, and two that are cancelled': {
    threads: [1, 1, 2],
    ...{ starters: 2, losses: 1, cancels: 2 },
    routines: [long, { starter: 1 }, {}, { starter: 1, large: true }, {}, { starter: 1 }, {}],
  },
  'three starters at two nodes': {
    threads: two,
    starters: 3,
    routines: [long, { starter: 1 }, { starter: 2 }, {}, { starter: 1 }, { starter: 2 }],
  },
}

const isAll = process.argv.includes('--all')
const large: Readonly<Record<string, StealingOptions>> = {
  'two starters': { threads: two, starters: 2, routines: [long, { starter: 1 }] },
  'one of three nodes is lost': { threads: [1, 1, 1], losses: 1, routines: [long, {}] },
  'one long, three short': { threads: two, routines: [long, {}, {}, {}] },
}

const stepsMax = 5_000

/** One order of events; faults come now and then. Gives what is broken, or null. */
function play(options: StealingOptions, seed: number): string | null {
  const model = new StealingModel(options)
  const random = seeded(seed)
  const state = model.initial()
  try {
    for (let steps = 0; ; steps++) {
      const moves = model.moves(state)
      const calm = moves.filter(({ fault }) => !fault)
      if (calm.length === 0) break
      if (steps > stepsMax) throw new Violation('it never comes to rest')
      const from = random(8) === 0 ? moves : calm
      model.apply(state, from[random(from.length)] as (typeof moves)[number])
    }
    model.atRest(state)
    return null
  } catch (error) {
    if (error instanceof Violation) return error.message
    throw error
  }
}

for (const [name, options] of Object.entries({ ...worlds, ...(isAll ? large : {}) })) {
  t.test(`P1 to P3 and P7 hold, whatever the order: ${name}`, async (t) => {
    const result = explore(new StealingModel(options), 100_000)
    t.equal(result.violation, null, result.trace.join('\n'))
    t.ok(result.statesAtRest > 0)
    t.comment(`${result.states} states, ${result.statesAtRest} at rest`)
  })
}

for (const [name, options] of Object.entries(plays)) {
  t.test(`P1 to P3 and P7 hold, by chance: ${name}`, async (t) => {
    for (let seed = 1; seed <= 300; seed++) {
      const broken = play(options, seed)
      if (broken !== null) return t.fail(`${broken}, seed ${seed}`)
    }
    t.pass('300 seeds')
  })
}

/** The promise that each of them breaks, and how it is told. */
const faults: Readonly<Record<PlantedFault, RegExp>> = {
  'returned though begun': /R1: \d begins twice/,
  'recall kept when its node is lost': /P7/,
  'counted at both nodes': /P2: counts/,
  'room counted back': /P[27]/,
  'what is left is forgotten': /P7: [\d,]+ are not over/,
  'silent when the rest has come': /P7: [\d,]+ are not over/,
  'asked again and again': /P7: questions|never comes to rest/,
  'returned for nobody': /P[17]/,
}

for (const [fault, broken] of Object.entries(faults)) {
  t.test(`A planted fault is found: ${fault}`, async (t) => {
    const found: string[] = []
    for (const options of [...Object.values(worlds), ...Object.values(plays)]) {
      for (let seed = 1; seed <= 300 && found.length === 0; seed++) {
        const told = play({ ...options, fault: fault as PlantedFault }, seed)
        if (told !== null) found.push(told)
      }
    }
    t.match(found[0], broken)
  })
}
