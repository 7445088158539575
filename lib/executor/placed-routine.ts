/** A routine as the hub that places it keeps it, from its submission until it is settled. */
import type { PlacedNode } from '../protocol/placement-state.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { FunctionAddress, Payload, RoutineTerms } from '../wire/messages.ts'
import type { Task } from './contract.ts'
import type { RemoteNode } from './remote-node.ts'

/** A node that routines are sent to, and what is counted of it. */
export interface Seat {
  readonly node: RemoteNode
  readonly counts: PlacedNode
}

export class PlacedRoutine implements Task {
  readonly routine: number
  readonly owner: number
  readonly address: FunctionAddress
  readonly terms: RoutineTerms
  payload: Payload
  /** Whether it can be sent once more: a value on a port is gone with the first time. */
  kept = true
  /** Where it was sent; undefined while it waits. */
  seat: Seat | undefined = undefined
  /** Attempts so far; one that was sent counts, for it may have begun. */
  attempt = 0
  /** Its place in the order of all that came. */
  since = 0
  /** When it came, if its time to wait is limited. */
  sinceMs = 0
  /** Values that its consumer wants and has not been sent. */
  credit = 0
  /** A value of it has been sent: it cannot begin again from its first. */
  yielded = false
  /** No value of it is wanted any more. */
  finished = false
  /** Why it is being stopped, if it is. */
  stopping: ErrorRecord | undefined = undefined

  constructor({ routine, owner, address, terms, payload }: Task) {
    this.routine = routine
    this.owner = owner
    this.address = address
    this.terms = terms
    this.payload = payload
  }
}
