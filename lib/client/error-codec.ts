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

/**
 * The record of an error that tells where it happened, unless it came from yet another place and
 * does so already. The error itself stays as it was: it may be thrown again, by another attempt.
 */
export function withDetails(
  record: ErrorRecord,
  details: Readonly<Record<string, string | number>>,
): ErrorRecord {
  const [first, ...others] = record.errors
  if (first === undefined) return record
  const known = new Set(first.own.map(([key]) => key))
  if (first.branded && known.has('attempt')) return record
  const added = Object.entries(details)
    .filter(([key]) => !known.has(key))
    .map(([key, value]) => [key, { value: encode(value) }] as const)
  return { ...record, errors: [{ ...first, own: [...first.own, ...added] }, ...others] }
}

export function errorOf(record: ErrorRecord, details: GoawayErrorDetails = {}): GoawayError {
  return fromErrorRecord(record, decode, details)
}
