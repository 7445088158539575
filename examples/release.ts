/**
 * Two fields whose sum is always ten. A routine takes the object's lock, changes both and releases.
 * With `UpdateOnRelease` its writes stay in its thread until then and show to all others at once:
 * who reads without the lock sees an older state, but never half a change, and waits for nobody. So
 * it is for fields that belong together, changed with care and read at leisure. `StrictCentralized`
 * under a `Lock` shows each write when it is made.
 */
import { goaway, isSpawner } from 'goaway'
import { Lock, StrictCentralized, UpdateOnRelease } from 'goaway/sync'

const models = ['UpdateOnRelease', 'StrictCentralized'] as const
type Model = (typeof models)[number]
interface Pair {
  x: number
  y: number
}

const initial: Pair = { x: 0, y: 10 }
const released = UpdateOnRelease<Pair>('pair', initial)
const strict = StrictCentralized<Pair>('pair', initial)
const lock = Lock('pair')
/** By its fields the program and a routine take turns: each run looks at the same moment. */
const stage = StrictCentralized('stage', { halfway: '', looked: '' })

/** Changes the pair of a model under its lock. */
function change(model: Model, act: (pair: Pair) => void): void {
  if (model === 'UpdateOnRelease') released.with(() => act(released))
  else lock.with(() => act(strict))
}

export function moveOne(model: Model): void {
  change(model, (pair) => {
    pair.x += 1
    pair.y -= 1
  })
}

/** Stops between its two writes until the program has looked. */
export function moveOneSlowly(model: Model): void {
  change(model, (pair) => {
    pair.x += 1
    stage.halfway = model
    stage.waitFor('looked', (looked) => looked === model)
    pair.y -= 1
  })
}

/** @returns microseconds a section of ten writes */
export function timeSections(model: Model, count: number): number {
  const start = performance.now()
  for (let section = 0; section < count; section++) {
    change(model, (pair) => {
      for (let move = 0; move < 5; move++) {
        pair.x -= 1
        pair.y += 1
      }
      for (let move = 0; move < 5; move++) {
        pair.x += 1
        pair.y -= 1
      }
    })
  }
  return ((performance.now() - start) / count) * 1000
}

const show = ({ x, y }: Pair): string => `x=${x} y=${y}`

async function demonstrate(model: Model): Promise<void> {
  const pair = model === 'UpdateOnRelease' ? released : strict
  console.log(`${model}, without its lock:`)
  console.log(`  before:       ${show(pair)}`)
  const slow = goaway(moveOneSlowly, model)
  stage.waitFor('halfway', (halfway) => halfway === model)
  const { x, y } = pair
  console.log(`  in a section: ${show({ x, y })}${x + y === 10 ? '' : ', half a change'}`)
  stage.looked = model
  await slow
  await Promise.all(Array.from({ length: 9 }, () => goaway(moveOne, model)))
  // Whoever wants the latest takes the lock.
  change(model, () => console.log(`  after ten:    ${show(pair)}, read under the lock`))
  const each = await goaway(timeSections, model, 100)
  console.log(`  a section of twenty writes takes ${each.toFixed(0)} µs`)
}

if (isSpawner) for (const model of models) await demonstrate(model)
