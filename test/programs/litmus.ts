/** Runs litmus tests of some stores on its threads, or on the nodes of a cluster; tells each. */

import { availableParallelism } from 'node:os'
import process from 'node:process'
import { type ClusterOptions, init, isSpawner, shutdown } from 'goaway'
import { race } from '../proof/race.ts'
import type { RaceStyle } from '../proof/race-subjects.ts'
import { litmusShapes } from '../sim/litmus-shapes.ts'
import { factsOf, tell } from './tell.ts'

export interface LitmusPlan {
  /** Without it: threads of this process. */
  readonly cluster?: ClusterOptions | undefined
  readonly subjects: readonly string[]
  readonly style: RaceStyle
  /** Of each test, in which all begin together. */
  readonly rounds: number
  readonly seed: number
}

async function main({ cluster, subjects, style, rounds, seed }: LitmusPlan): Promise<void> {
  const running = await init(cluster ?? { threads: 4 })
  const nodes = cluster === undefined ? null : running.nodes().map(({ name }) => name)
  const options = { nodes, style, rounds, seed, cores: availableParallelism() }
  for (const subject of subjects) {
    for (const shape of litmusShapes) {
      tell({ what: 'race', ...(await race(subject, shape, options)) })
    }
  }
  await shutdown()
}

if (isSpawner) {
  try {
    await main(JSON.parse(process.argv[2] as string) as LitmusPlan)
  } catch (error) {
    tell({ what: 'failed', ...factsOf(error) })
    await shutdown({ graceMs: 0 }).catch(() => {})
    process.exitCode = 1
  }
}
