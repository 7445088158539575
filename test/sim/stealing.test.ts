/**
 * Routines that move between simulated nodes: with delays, and with faults, none runs more often
 * than it may, and none is left behind a long one. The runs are counted where no fault reaches.
 */
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { context, goaway } from '../../lib/index.ts'
import { simulate, type World } from '../../lib/testing.ts'

// No node is lost: what ran there would be lost with it.
const faults = {
  forMs: 2_000,
  crashes: 0,
  pauses: 1,
  partitions: 0,
  oneWays: 0,
  breaks: 3,
  slowdowns: 1,
}

interface Run {
  readonly runs: Map<number, number>
  readonly nodes: Set<string>
}

/** Skewed work from the program and from a routine; all of it has to come back. */
async function work(world: World, count: number): Promise<Run> {
  const runs = new Map<number, number>()
  const nodes = new Set<string>()
  const count1 = async (at: number): Promise<number> => {
    runs.set(at, (runs.get(at) ?? 0) + 1)
    nodes.add(context().node)
    await pause(at % 7 === 0 ? 400 : 3)
    return at
  }
  const parent = async (from: number): Promise<number[]> =>
    Promise.all(Array.from({ length: count }, (_, at) => goaway(count1, from + at)))
  const own = Array.from({ length: count }, (_, at) => goaway(count1, at))
  const theirs = goaway.with({ on: 'node-1' })(parent, 1_000)
  const results = [...(await Promise.all(own)), ...(await theirs)]
  t.equal(new Set(results).size, 2 * count, `seed at ${world.now}`)
  return { runs, nodes }
}

t.test('Each routine that moves runs once, whatever the links do', async (t) => {
  let moved = 0
  await simulate({ seed: 21, seeds: 30, faults }, async (world) => {
    const { runs, nodes } = await work(world, 40)
    moved += world.trace.filter(({ what }) => /\breturned\b/.test(what)).length
    if ([...runs.values()].some((times) => times !== 1)) throw new Error('one ran twice')
    if (nodes.size < 2) throw new Error('all ran at one node')
  })
  t.ok(moved > 0, `${moved} messages with what moved, in 30 seeds`)
})
