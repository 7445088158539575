/**
 * Objects and locks of simulated clusters under faults, many seeds of each. `GOAWAY_SEED` runs one
 * of them again, `GOAWAY_SEEDS` says how many.
 */
import t from 'tap'
import { check } from '../../lib/check.ts'
import { simulate } from '../../lib/testing.ts'
import { work } from '../sim/workload.ts'

t.setTimeout(3_600_000)

const worlds = [
  { name: 'three nodes', nodes: 3, clients: 4 },
  { name: 'five nodes, each with masters', nodes: 5, placement: 'hash', clients: 6 },
  {
    name: 'short leases and a slow network',
    nodes: 3,
    nodeTimeoutMs: 1_000,
    linkGraceMs: 300,
    delayMs: [5, 100],
    clients: 4,
  },
] as const

for (const { name, clients, ...options } of worlds) {
  t.test(`Objects and locks under faults: ${name}`, { timeout: 1_800_000 }, async (t) => {
    const faults = { forMs: 10_000, crashes: 2, pauses: 3, partitions: 3, breaks: 6 }
    const report = await simulate(
      { seed: 10_000, seeds: 500, faults, ...options },
      async (world) => {
        await work(clients, 60)
        const { verdict, parts } = check(world.history)
        if (verdict === 'ok') return
        throw new Error(JSON.stringify(parts.filter((part) => part.verdict !== 'ok')))
      },
    )
    t.comment(`${report.seeds.length} seeds, ${report.steps} steps, ${report.virtualMs} ms`)
  })
}
