/** What a machine of a store complains of, as the error that its caller gets. */
import { recordOf } from '../client/error-codec.ts'
import { GoawayError, type GoawayErrorCode } from '../errors.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { ReplicasHost } from './replicas-host.ts'

interface Complaint {
  readonly code: GoawayErrorCode
  readonly message: string
  readonly maybeExecuted?: boolean
  /** Place of the node whose loss is the reason: machines know no names. */
  readonly lost?: number
}

export function complaintOf(
  { code, message, maybeExecuted, lost }: Complaint,
  { nameOf }: Pick<ReplicasHost, 'nameOf'>,
): ErrorRecord {
  const node = lost === undefined ? undefined : nameOf?.(lost)
  const text = node === undefined ? message : `${message}: ${node}`
  const details = {
    ...(maybeExecuted === undefined ? {} : { maybeExecuted }),
    ...(node === undefined ? {} : { node }),
  }
  return recordOf(new GoawayError(code, text, details))
}
