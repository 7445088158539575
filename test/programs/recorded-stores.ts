/** Records what routines do to one store, while the test perhaps kills a process. */
import process from 'node:process'
import { type ClusterOptions, goaway, init, shutdown } from 'goaway'
import { type RecordedStore, workIsAt, workRecorded } from '../proof/recorded-work.ts'
import { runPlan } from './run-plan.ts'
import { tell } from './tell.ts'

export interface RecordedPlan {
  /** Without it: threads of this process. */
  readonly cluster?: ClusterOptions | undefined
  readonly store: RecordedStore
  readonly operations: number
  readonly seed: number
  readonly file: string
  /** What is killed in the middle: the node of that name; or the program, by the test. */
  readonly kills?: string | undefined
}

/** On four threads, or two threads of each node. */
async function main({ cluster, store, operations, seed, file, kills }: RecordedPlan) {
  const running = await init({ ...(cluster ?? { threads: 4 }), history: file })
  const names = running.nodes().flatMap(({ name }) => (name === 'spawner' ? [] : [name, name]))
  const prefix = 'recorded'
  const places = cluster === undefined ? Array(4).fill('local') : names
  const each = Math.ceil(operations / places.length)
  const routines = places.map((on: string, worker) =>
    goaway
      .with({ on })(workRecorded, { store, worker, prefix, seed, operations: each })
      .catch((error: { code: string }) => error.code),
  )
  if (kills !== undefined) {
    await workIsAt(operations / 2)
    tell({ what: 'middle' })
    const victim = (await running.stats()).find(({ name }) => name === kills)
    if (victim !== undefined && cluster !== undefined) process.kill(victim.pid, 'SIGKILL')
  }
  tell({ what: 'ended', answers: await Promise.all(routines) })
  await shutdown()
}

await runPlan(main)
