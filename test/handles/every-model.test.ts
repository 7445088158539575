/** Every model has the same methods, with the same meanings, everywhere. */
import { goaway, init, shutdown } from 'goaway'
import t from 'tap'
import {
  change,
  everyMethod,
  everyMethodBlocking,
  lookAt,
  type ModelName,
  models,
  nested,
  ownWrites,
  shownToCondition,
} from './every-model-routines.ts'

await init({ threads: 2 })
t.teardown(() => shutdown())

function expected(model: ModelName): unknown[] {
  const isWeak = model === 'Weak'
  const fields = { n: 9, list: [1, 2], gone: 'x' }
  return [
    ...[1, undefined, undefined, 2, 7, 8],
    ...(isWeak ? [] : [true, false, [1, 2], false]),
    ...[false, undefined, true, Object.keys(fields), Object.entries(fields), fields],
    ...[true, true, false, ['n', 'list'], 9, { n: 9, list: [1, 2] }, 9],
  ]
}

for (const model of models) {
  t.test(`every method of ${model} answers the same in all places`, async (t) => {
    const right = expected(model)
    t.same(await everyMethod(model, 'async main'), right)
    t.same(everyMethodBlocking(model, 'sync main'), right)
    t.same(await goaway(everyMethod, model, 'async routine'), right)
    t.same(await goaway(everyMethodBlocking, model, 'sync routine'), right)
    t.same(await goaway(nested, model, 'nested'), [right, right])
  })

  t.test(`what a routine writes to ${model} shows to a blocked main thread`, async (t) => {
    for (const turn of [1, 2, 3, 4]) {
      const changed = goaway(change, model, turn)
      const isHere = turn % 2 === 1
      const keys = isHere ? ['here', 'turn'] : ['turn']
      const seen = [isHere, isHere, keys, isHere ? turn : undefined]
      t.same(lookAt(model, turn), seen, 'the thread blocks while the routine runs')
      t.same(await goaway(lookAt, model, turn), seen)
      await changed
    }
  })

  t.test(`waitFor() of ${model} shows its condition only what is there`, async (t) => {
    t.same(await shownToCondition(model, 'condition'), [2, 2])
    t.same(await goaway(shownToCondition, model, 'condition of a routine'), [2, 2])
  })

  t.test(`a routine reads its own writes to ${model} in the order of its calls`, async (t) => {
    const seen = [2, 1, 2, undefined, undefined, 3, 3]
    if (model === 'UpdateOnRelease') seen.push(3, 3)
    // Of `Weak`, a write of the program may reach the node of a routine while that writes.
    t.same(await ownWrites(model, 'own writes of the program'), seen)
    t.same(await goaway(ownWrites, model, 'own writes of a routine'), seen)
  })
}
