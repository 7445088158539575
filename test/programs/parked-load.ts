/** Two threads with a parked routine each; beside each, a module fails to load. */
import { goaway, init, isSpawner } from 'goaway'
import { first, second } from './broken-module.ts'
import { fields, free, meet, park } from './park-routines.ts'
import { tell, tellHow } from './tell.ts'

if (isSpawner) {
  await init({ threads: 2, threadsMax: 2 })
  await Promise.all([goaway(meet), goaway(meet)])
  const parked = [goaway(park), goaway(park)]
  await fields.waitFor('parked', (count) => count === 2)
  await Promise.all([tellHow('load', () => goaway(first)), tellHow('load', () => goaway(second))])
  tell({ what: 'free', value: await goaway(free) })
  for (const one of parked) tell({ what: 'parked', value: await one })
}
