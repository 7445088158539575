/** What the benches run as routines, and as piscina tasks. */
import { createHash } from 'node:crypto'
import { Lock, StrictCentralized } from 'goaway/sync'

export function trivial(value: number): number {
  return value
}

export default trivial

const shared = StrictCentralized('bench', { x: 0 })
const lock = Lock('bench')

/** Milliseconds that so many blocking reads take. */
export function blockingReads(count: number): number {
  const start = performance.now()
  for (let read = 0; read < count; read++) shared.get('x')
  return performance.now() - start
}

/** Milliseconds that so many acquisitions of a free lock take, each released. */
export function acquisitions(count: number): number {
  const start = performance.now()
  for (let round = 0; round < count; round++) lock.acquire().release()
  return performance.now() - start
}

export function bytesOf(value: Uint8Array): number {
  return value.byteLength
}

/** Part of a hash puzzle without an early end: numbers `from`, `from + step`, ... below `to`. */
export function hashes(seed: string, from: number, to: number, step: number): number {
  let leading = 0
  for (let number = from; number < to; number += step) {
    const digest = createHash('sha512').update(`${seed}${number}`).digest()
    if (digest[0] === 0) leading++
  }
  return leading
}
