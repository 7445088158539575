/** The handles of all models on simulated clusters: what they recorded keeps each promise. */
import { goaway, LinFastRead, StrictCentralized, UpdateOnRelease, Weak } from 'goaway'
import * as blocking from 'goaway/sync'
import { simulate } from 'goaway/testing'
import t from 'tap'

const increments = 6

/** Each model counts in its own way; reads in between are for the checker. */
async function program(): Promise<unknown[]> {
  const strict = StrictCentralized('models', { n: 0 })
  const fast = LinFastRead('models', { n: 0 })
  const weak = Weak('models', { n: 0 })
  const causal = Weak('models', { n: 0 }, { order: 'causal' })
  const released = UpdateOnRelease('models', { n: 0, m: 0 })
  const work = async (): Promise<void> => {
    await strict.update('n', (n) => n + 1)
    await Promise.all([fast.add('n'), fast.get('n'), fast.update('n', (n) => n + 1)])
    await weak.add('n')
    await causal.add('n')
    await released.with(async () => {
      await released.add('n')
      await released.set('m', await released.get('n'))
    })
    const { n, m } = await released.snapshot()
    if (n !== m) throw new Error(`half a release: ${n} and ${m}`)
  }
  await Promise.all(Array.from({ length: increments }, () => goaway(work)))
  await weak.fence()
  await causal.fence()
  return [
    await strict.get('n'),
    await fast.get('n'),
    await weak.get('n'),
    await causal.get('n'),
    await released.with(() => released.get('n')),
  ]
}

t.test('without faults every model counts all, in any interleaving', async (t) => {
  const { seeds } = await simulate({ seeds: 5, nodes: 3 }, async () => {
    const [strict, fast, weak, causal, released] = await program()
    const right = [increments, 2 * increments, increments, increments, increments]
    const seen = [strict, fast, weak, causal, released]
    if (String(seen) !== String(right)) throw new Error(`counted ${seen}`)
  })
  t.equal(seeds.length, 5)
})

t.test('with faults every history keeps its promise', async (t) => {
  const { seeds } = await simulate({ seeds: 5, nodes: 3, faults: true }, async () => {
    await program().catch(() => {})
  })
  t.equal(seeds.length, 5)
})

t.test('handles that block are refused in a simulation, also where they only tell', async (t) => {
  await simulate({ seeds: 1, nodes: 1 }, async () => {
    const deadlock = { code: 'ERR_GOAWAY_DEADLOCK', message: /goaway\/sync/ }
    const weak = blocking.Weak<{ n: number }>('blocking')
    const released = blocking.UpdateOnRelease<{ n: number }>('blocking')
    t.throws(() => weak.set('n', 1), deadlock)
    t.throws(() => weak.sync(), deadlock)
    t.throws(() => released.acquire(), deadlock)
    t.throws(() => blocking.LinFastRead<{ n: number }>('blocking').get('n'), deadlock)
  })
})
