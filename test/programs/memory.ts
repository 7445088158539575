/** A routine that fills its memory, with a limit set. */
import { goaway, init, isSpawner } from 'goaway'
import { tellHow } from './tell.ts'

export function fills(): number {
  const kept: unknown[] = []
  for (;;) kept.push(Array.from({ length: 1000 }, (_, index) => ({ index })))
}

export function works(): string {
  return 'works'
}

if (isSpawner) {
  await init({ threads: 1, resourceLimits: { maxOldGenerationSizeMb: 32 } })
  await tellHow('fills', () => goaway(fills))
  await tellHow('works', () => goaway(works))
}
