/** Runs litmus tests of some stores on its threads, or on the nodes of a cluster; tells each. */

import { availableParallelism } from 'node:os'
import { type ClusterOptions, init, shutdown } from 'goaway'
import { race } from '../proof/race.ts'
import type { RaceStyle } from '../proof/race-subjects.ts'
import { litmusShapes } from '../sim/litmus-shapes.ts'
import { runPlan } from './run-plan.ts'
import { tell } from './tell.ts'

export interface LitmusPlan {
  /** Without it: threads of this process. */
  readonly cluster?: ClusterOptions | undefined
  readonly subjects: readonly string[]
  readonly style: RaceStyle
  /** Of each test, in which all begin together. */
  readonly rounds: number
  /** For each test, however many rounds there were. */
  readonly mostMs: number
  readonly seed: number
}

/** The first test begins when the modules are loaded. */
const loadMs = 300

async function main(plan: LitmusPlan): Promise<void> {
  const { cluster, subjects, style, rounds, mostMs, seed } = plan
  const running = await init(cluster ?? { threads: 4 })
  const nodes = cluster === undefined ? null : running.nodes().map(({ name }) => name)
  const options = { nodes, style, rounds, mostMs, seed, cores: availableParallelism() }
  let leadMs = loadMs
  for (const subject of subjects) {
    for (const shape of litmusShapes) {
      tell({ what: 'race', ...(await race(subject, shape, { ...options, leadMs })) })
      leadMs = 0
    }
  }
  await shutdown()
}

await runPlan(main)
