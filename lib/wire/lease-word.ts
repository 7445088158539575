/**
 * Until when a node may answer reads, as its threads see it: one word of shared memory, written by
 * the hub. A thread tests it when it has the value (docs/protocols/lin-fast-read.md): the test is
 * the moment at which the read takes place, so that a pause after it does no harm.
 *
 * Times are milliseconds of `Clock.shared`, modulo 2^32, and compared by their distance: a process
 * that is stopped for more than 24 days and then goes on may take its lease for good until its hub
 * has looked. So may the threads of a machine that was suspended, while this clock stood still.
 */

const none = 0
const forEver = 1

/** @param endAt Infinity: no lease is needed; less than 0: it may answer nothing */
export function leaseWordOf(endAt: number): number {
  if (endAt === Infinity) return forEver
  if (endAt < 0) return none
  const word = Math.floor(endAt) | 0
  // Two moments in seven weeks have words that mean something else: these leases end sooner.
  return word === none || word === forEver ? -1 : word
}

/** Whether the hub has said that its node needs no lease: then it never does. */
export function isForEver(word: number): boolean {
  return word === forEver
}

/** Whether the lease that the word tells has not run out. `now` is asked only if it matters. */
export function leaseHolds(word: number, now: () => number): boolean {
  if (word === none) return false
  if (word === forEver) return true
  return ((word - Math.ceil(now())) | 0) > 0
}
