/** Faults planted in the machines, and in the membership below, are found by a seed. */
import t from 'tap'
import type { RunOptions, Workload } from './store-run.ts'
import { mixedUp, problemsOf, withMutant, workloads } from './store-workloads.ts'

const seedsMax = 80

interface Planted {
  readonly name: string
  readonly make: () => Workload
  readonly options?: Partial<RunOptions>
}

const inMachine = (store: string, mutant: string): Planted => ({
  name: `${store}, ${mutant}`,
  make: () => withMutant(store, mutant),
})

const planted: readonly Planted[] = [
  inMachine('lin-fast-read', 'no epoch filter'),
  inMachine('lin-fast-read', 'epoch not in the stamp'),
  inMachine('lin-fast-read', 'no lease test'),
  inMachine('lin-fast-read', 'no wait of readers on an invalid cell'),
  inMachine('lin-fast-read', 'reply before all acks'),
  inMachine('lin-fast-read', 'no recs on retry'),
  inMachine('weak', 'no stamp comparison'),
  inMachine('weak', 'sync counts nothing'),
  inMachine('weak', 'no forwarding at a removal'),
  inMachine('weak', 'counter overwritten by last writer'),
  inMachine('weak', 'no pull in a fence'),
  inMachine('update-on-release', 'no token check'),
  inMachine('update-on-release', 'release not atomic'),
  inMachine('update-on-release', 'ack all at once'),
  { name: 'weak over links that mix up, no FIFO check', make: () => mixedUp('no FIFO check') },
  {
    name: 'lin-fast-read, no wait for leases at the spawner',
    make: workloads['lin-fast-read'] as () => Workload,
    options: { spawnerTimeoutMs: 300 },
  },
]

t.setTimeout(200_000)

for (const { name, make, options } of planted) {
  t.test(`found: ${name}`, async (t) => {
    for (let seed = 1; seed <= seedsMax; seed++) {
      const [problem] = await problemsOf(make(), seed, options)
      if (problem !== undefined) return t.pass(problem)
    }
    t.fail(`no seed up to ${seedsMax} finds it`)
  })
}

t.test('Weak puts updates right that links have mixed up', async (t) => {
  for (let seed = 1; seed <= 20; seed++) t.same(await problemsOf(mixedUp(undefined), seed), [])
})
