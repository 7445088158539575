/** What structured clone loses, and how it is put right at the other end. */
import { type ErrorFacts, restoreError } from '../wire/error-record.ts'
import { refsOfThread } from './clustered.ts'

/** What is put right after a structured clone. Plain data; cross in one message with the value. */
export interface Repairs {
  /** Objects without a prototype. */
  readonly bare?: readonly object[]
  /** Byte arrays that were Buffers. */
  readonly buffers?: readonly Uint8Array[]
  /** Placeholders, and what they shall be; the facts hold the values themselves. */
  readonly errors?: readonly ErrorRepair[]
  /** Placeholders, and the number of the ref that each shall be an object of. */
  readonly refs?: readonly RefRepair[]
}

export interface ErrorRepair {
  readonly target: Error
  readonly facts: ErrorFacts<{ readonly value: unknown }>
}

export interface RefRepair {
  readonly target: object
  readonly ref: number
}

/** Puts right what structured clone lost, in place. */
export function applyRepairs(repairs: Repairs | undefined): void {
  for (const object of repairs?.bare ?? []) Object.setPrototypeOf(object, null)
  for (const bytes of repairs?.buffers ?? []) Object.setPrototypeOf(bytes, Buffer.prototype)
  for (const { target, facts } of repairs?.errors ?? []) {
    restoreError(target, facts, (carried) => carried.value)
  }
  for (const { target, ref } of repairs?.refs ?? []) refsOfThread()?.restore(target, ref)
}
