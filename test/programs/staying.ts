/** Takes the nodes of a cluster, runs a function there, and lets them go when told to. */
import process from 'node:process'
import { type ClusterOptions, goaway, init, isSpawner, shutdown } from 'goaway'
import { tell, tellHow } from './tell.ts'

export interface StayingPlan {
  readonly cluster: ClusterOptions
  /** Until SIGUSR2 comes. */
  readonly stays: boolean
}

export function answer(): number {
  return 42
}

export async function stay({ cluster, stays }: StayingPlan): Promise<void> {
  const told = new Promise<void>((resolve) => process.once('SIGUSR2', () => resolve()))
  await tellHow('init', async () => {
    await init(cluster)
    return 'up'
  })
  await tellHow('answer', () => goaway(answer))
  if (stays) {
    // A promise alone keeps no program alive.
    const timer = setInterval(() => {}, 1_000)
    await told
    clearInterval(timer)
  }
  await shutdown()
  tell({ what: 'end' })
}

if (isSpawner) await stay(JSON.parse(process.argv[2] as string) as StayingPlan)
