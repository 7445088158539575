/** Errors on their way between threads: records whose properties are encoded as values are. */
import type { GoawayError, GoawayErrorDetails } from '../errors.ts'
import { type ErrorRecord, fromErrorRecord, toErrorRecord } from '../wire/error-record.ts'
import type { EncodedValue } from '../wire/messages.ts'
import { decodeStored, encodeStored } from './values.ts'

const encode = (value: unknown): EncodedValue => encodeStored(value, 'property')
const decode = (encoded: unknown): unknown => decodeStored(encoded as EncodedValue).value

export function recordOf(thrown: unknown): ErrorRecord {
  return toErrorRecord(thrown, encode)
}

export function errorOf(record: ErrorRecord, details: GoawayErrorDetails = {}): GoawayError {
  return fromErrorRecord(record, decode, details)
}
