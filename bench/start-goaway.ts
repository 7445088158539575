/** A one-routine program. */
import { goaway, isSpawner } from 'goaway'

export function trivial(value: number): number {
  return value
}

if (isSpawner) console.log(await goaway(trivial, 42))
