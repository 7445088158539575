/** The environment variable that sets how many routines run at a time, where `init` is not told. */
import process from 'node:process'
import { GoawayError } from '../errors.ts'
import { threadsCeiling, threadsMaxDefault } from '../limits.ts'

export const threadsVariable = 'GOAWAY_THREADS'

/** @throws {GoawayError} ERR_GOAWAY_CONFIG, with the value, unless it is a whole number in range */
export function checkThreads(what: string, text: string): number {
  const threads = Number(text)
  if (/^\d+$/.test(text) && threads >= 1 && threads <= threadsCeiling) return threads
  throw new GoawayError(
    'ERR_GOAWAY_CONFIG',
    `Cannot use ${what}: it has to be a whole number from 1 to ${threadsCeiling}: '${text}'`,
  )
}

/** What the variable says, undefined if it is not set or empty. */
export function threadsOfEnvironment(): number | undefined {
  const text = process.env[threadsVariable]
  return text === undefined || text === '' ? undefined : checkThreads(threadsVariable, text)
}

/** Threads before parked routines share them. */
export function defaultThreadsMax(threads: number): number {
  return Math.max(threadsMaxDefault, threads * 8)
}
