/** A module that reads an object while it is being loaded. */
import { known } from './quick-routines.ts'

const seen = known.x

export function seenAtLoading(): number {
  return seen
}
