/** A routine of the soak: some things with each store and with locks, as chance wants it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { context } from 'goaway'
import { randomOf } from '../hub/random.ts'
import { actsOf, recordedStores } from './recorded-work.ts'

export interface SoakWork {
  /** A number for each routine. */
  readonly worker: number
  /** What the names of its objects and locks begin with. */
  readonly prefix: string
  readonly acts: number
  readonly pauseMs: number
}

/** @returns the node that it ran at */
export async function workInSoak({ worker, prefix, acts, pauseMs }: SoakWork): Promise<string> {
  const random = randomOf(worker)
  const chance = (below: number): number => Math.floor(random() * below)
  const next = recordedStores.map((store) => actsOf({ store, worker, prefix }, chance))
  for (let done = 0; done < acts; done++) {
    next[chance(next.length)]?.()()
    await sleep(random() * 2 * pauseMs)
  }
  return context().node
}
