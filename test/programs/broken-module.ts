/** A module that loads in the program, and on a thread fails to, but not at once. */

import { setTimeout as sleep } from 'node:timers/promises'
import { isSpawner } from 'goaway'

export async function first(): Promise<void> {}

export async function second(): Promise<void> {}

if (!isSpawner) {
  await sleep(30)
  throw new Error('broken on threads')
}
