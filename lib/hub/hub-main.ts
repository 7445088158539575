/** The hub's thread: makes the hub, and with it the cluster if the program is to have one. */
import type { Pool } from '../executor/pool.ts'
import { assembleHub } from './assemble.ts'
import { type HubStart, listen } from './hub-start.ts'

export async function main(start: HubStart, pool: Pool): Promise<void> {
  if (start.spawns === undefined) {
    const hub = assembleHub({ ...start, hubWords: new Int32Array(start.hubWords), pool })
    return listen(hub, start).begin([])
  }
  // Only a program with a cluster loads what makes one.
  const { spawn } = await import('../cluster/spawn.ts')
  await spawn(start, start.spawns, pool)
}
