/**
 * The paper's `LinFastRead` is not linearizable: a reader may see the new value, and a later reader
 * at another node the old one. The checker finds it, and finds nothing in ours.
 */
import t from 'tap'
import { draw } from '../../lib/check/draw-text.ts'
import { linFastRead } from '../../lib/protocol/lin-fast-read.ts'
import { Random } from '../../lib/sim/random.ts'
import { explore } from './explore.ts'
import { paperLinFastRead } from './paper-lin-fast-read.ts'
import type { RaceScripts } from './register-race.ts'
import { judge, registerRace, runByChance } from './register-race.ts'

const seedCount = 1_000
/** A writer, and a reader at each of the other nodes. */
const few: RaceScripts = { 0: ['r', 'r'], 1: [1], 2: ['r', 'r'] }
const many: RaceScripts = { 0: ['r', 'r', 'r', 'r'], 1: [1, 2], 2: ['r', 'r', 'r', 'r'] }
const twoWriters: RaceScripts = { 0: [1, 'r'], 1: ['r'], 2: [2, 'r'] }

t.test('every interleaving: the paper shows the new value, then the old one', async (t) => {
  const found = explore(registerRace(paperLinFastRead, few), 100_000)
  t.match(found.violation, /found 0, after .* had found 1/)
  t.comment(`${found.violation}: after ${found.states} states: ${found.trace.join(', ')}`)
})

t.test('every interleaving: LinFastRead never does', async (t) => {
  for (const scripts of [few, twoWriters]) {
    const found = explore(registerRace(linFastRead, scripts), 100_000)
    t.equal(found.violation, null, found.trace.join(', '))
    t.ok(found.statesAtRest > 0, 'it comes to rest')
    t.comment(`${found.states} states`)
  }
})

t.test('by seed: the checker finds it in the paper, and draws it', async (t) => {
  const race = registerRace(paperLinFastRead, many)
  const begin = performance.now()
  for (let seed = 1; seed <= seedCount; seed++) {
    const random = new Random(seed)
    const result = judge(runByChance(race, (count) => random.below(count)))
    if (result.verdict === 'ok') continue
    t.equal(result.verdict, 'illegal')
    const took = Math.round(performance.now() - begin)
    t.comment(`seed ${seed}, ${took} ms\n${draw(result)}`)
    return
  }
  t.fail(`it was not found with ${seedCount} seeds`)
})

t.test(`by seed: nothing is found in LinFastRead with ${seedCount} seeds`, async (t) => {
  const race = registerRace(linFastRead, many)
  const found: string[] = []
  for (let seed = 1; seed <= seedCount; seed++) {
    const random = new Random(seed)
    const result = judge(runByChance(race, (count) => random.below(count)))
    if (result.verdict !== 'ok') found.push(`seed ${seed}\n${draw(result)}`)
  }
  t.same(found, [])
})
