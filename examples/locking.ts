/**
 * A counter under a lock. Each routine reads two fields and writes both: without the lock some
 * would read what others are about to replace, and counts would be lost.
 */
import { goaway, isSpawner } from 'goaway'
import { Lock, StrictCentralized } from 'goaway/sync'

const lock = Lock('lock')
const s = StrictCentralized('s', { count: 0, copy: 0 })

export function incrementAndCopy(): void {
  using _held = lock.acquire()
  s.count += 1
  s.copy = s.count
}

if (isSpawner) {
  const goal = 100
  const routines = Array.from({ length: goal }, () => goaway(incrementAndCopy))
  // The program could await the routines. It waits for what they do, to show how.
  s.waitFor('copy', (copy) => copy === goal)
  console.log(`count should be ${goal}: ${s.count}`)
  console.log(`copy should be ${goal}: ${s.copy}`)
  await Promise.all(routines)
}
