/** A routine that has read an object, and so reads it without a message. */
import { StrictCentralized } from 'goaway/sync'

export const known = StrictCentralized('known to a thread', { x: 1 })

export function readTwice(): number[] {
  return [known.x, known.x]
}
