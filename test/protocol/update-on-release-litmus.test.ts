/**
 * The litmus matrix of update-on-release.md: what threads at different replicas may see of each
 * other's writes, in every interleaving. Reads without the lock see exactly what threads see that
 * take turns at one memory, and reads under it what is possible in the order of time as well.
 */
import t, { type Test } from 'tap'
import type { Shape } from './update-on-release-litmus.ts'
import { exploreLitmus, outcomesOfOneMemory, shapes } from './update-on-release-litmus.ts'

/** Under the lock these take a minute each: see test/proof. */
const large: ReadonlySet<string> = new Set(['IRIW', 'CoIRIW'])

for (const [name, shape] of Object.entries(shapes)) {
  t.test(`${name}: reads without the lock are sequentially consistent`, async (t) => {
    const { isStale = false } = shape
    const isSeen = check(t, shape, false, large.has(name) ? [0] : [...shape.threads.keys()])
    t.equal(isSeen, isStale, isStale ? 'an old value is seen' : 'it is never seen')
  })
  if (large.has(name)) continue
  t.test(`${name}: reads under the lock are linearizable`, async (t) => {
    const isSeen = check(t, shape, true, name === 'WRC' ? [0] : [...shape.threads.keys()])
    t.notOk(isSeen, 'it is never seen')
  })
}

/**
 * Places the first thread at each of these, so that each thread is once at the master's node.
 *
 * @returns whether what one memory forbids by the order of time was seen
 */
function check(t: Test, shape: Shape, isLocked: boolean, places: readonly number[]): boolean {
  const allowed = outcomesOfOneMemory(shape, isLocked)
  let stateCount = 0
  const all = new Set<string>()
  for (const apart of [false, true]) {
    for (const first of places) {
      const { seen, states } = exploreLitmus(shape, isLocked, apart, first)
      for (const outcome of seen) all.add(outcome)
      stateCount += states
    }
  }
  t.same([...all].sort(), [...allowed].sort(), 'all that one memory allows is seen, and no more')
  t.comment(`${stateCount} states`)
  return shape.forbidden.some((outcome) => all.has(outcome))
}
