/** The same seed is the same simulation, whatever else the process does. */
import t from 'tap'
import { Random } from '../../lib/sim/random.ts'
import { simulate } from '../../lib/testing.ts'
import { work } from './workload.ts'

const faults = { forMs: 2_000, lengthMs: [50, 3_000] } as const

async function hashOf(seed: number): Promise<string> {
  const { hashes } = await simulate({ seed, faults }, () => work(3, 10))
  return hashes[0] as string
}

t.test('Equal seeds give equal traces, and different ones do not', async (t) => {
  const first = await hashOf(5)
  // Two at once share the real event loop, and nothing else.
  const [again, other] = await Promise.all([hashOf(5), hashOf(6)])
  t.equal(again, first)
  t.not(other, first)
})

t.test('Chance is that of the seed on every machine', async (t) => {
  const random = new Random(42)
  t.same(
    [1, 2, 3].map(() => random.below(1_000_000)),
    expected,
  )
  const [one, other] = [random.stream('a'), random.stream('b')]
  t.not(one.next(), other.next())
  t.equal(random.stream('a').next(), new Random(42).stream('a').next(), 'it depends on no draws')
})

/** Of seed 42. */
const expected = [279_129, 603_368, 890_398]
