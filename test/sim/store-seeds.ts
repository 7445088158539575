/** Tests of one store over many seeds; each store's are in a file of their own, to run beside. */
import type { Test } from 'tap'
import { problemsOf, workloads } from './store-workloads.ts'

const seeds = 24
/** Seeds that were wrong once, of some store. */
const special = [490, 550, 1049, 1105]

export function testSeeds(t: Test, store: string): void {
  t.setTimeout(200_000)
  void t.test(`${store} keeps its promise under faults, over ${seeds} seeds`, async (t) => {
    const first = Array.from({ length: seeds }, (_, index) => index + 1)
    for (const seed of [...first, ...special]) {
      const workload = workloads[store]
      if (workload === undefined) throw new Error(`No store has the name ${store}`)
      t.same(await problemsOf(workload(), seed), [], `seed ${seed}`)
    }
  })
}
