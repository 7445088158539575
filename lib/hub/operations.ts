/** What the hub has to see of a request that it hands on. */
import type { Fences, LockOperation, Operation } from '../wire/messages.ts'
import { isReplicated } from './stores.ts'

type Acquisition = Extract<LockOperation, readonly ['acquire' | 'tryAcquire', ...unknown[]]>

/** The locks under which it writes, with their tokens; `null` if it does not. */
export function fencesIn(operation: Operation): Fences {
  const asked = isReplicated(operation) ? operation[1] : operation
  switch (asked[0]) {
    case 'set':
    case 'add':
    case 'compareAndSet':
    case 'replace':
    case 'delete':
    case 'release':
      return fencesAt(asked.at(-1))
    default:
      return null
  }
}

/** Not every store keeps them there. */
function fencesAt(last: unknown): Fences {
  return Array.isArray(last) ? (last as unknown as Fences) : null
}

export function isLockOperation(operation: Operation): operation is LockOperation {
  return operation[0] === 'release' || isAcquisition(operation)
}

export function isAcquisition(operation: Operation): operation is Acquisition {
  return operation[0] === 'acquire' || operation[0] === 'tryAcquire'
}
