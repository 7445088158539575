/** Functions that every executor runs in its suite. They tell by shared memory what they do. */
import { BroadcastChannel } from 'node:worker_threads'
import { context } from 'goaway'

/** What a routine counts: how often it began, whether it cleaned up, how far it came. */
export const begun = 0
export const cleaned = 1
export const made = 2

export function double(value: number): number {
  return value * 2
}

export async function doubleLater(value: number): Promise<number> {
  return value * 2
}

export function mark(counts: Int32Array): void {
  Atomics.add(counts, begun, 1)
}

export function refuse(counts: Int32Array): never {
  Atomics.add(counts, begun, 1)
  throw Object.assign(new RangeError(`attempt ${context().attempt}`), { own: 1 })
}

/** Tells of itself where even a thread that is blocked can look. */
export function refuseAloud(name: string): never {
  const channel = new BroadcastChannel(name)
  channel.postMessage('begun')
  channel.close()
  throw new RangeError(`attempt ${context().attempt}`)
}

export function giveFunction(): () => void {
  return () => {}
}

/** Runs until it sees that it is to stop. */
export async function runUntilCancelled(counts: Int32Array): Promise<void> {
  Atomics.add(counts, begun, 1)
  while (!context().cancelled) await new Promise(setImmediate)
  Atomics.add(counts, cleaned, 1)
}

export function succeedAt(attempt: number): number {
  if (context().attempt < attempt) throw new RangeError(`attempt ${context().attempt}`)
  return context().attempt
}

export function* produce(counts: Int32Array, to: number): Generator<number, string> {
  Atomics.add(counts, begun, 1)
  try {
    for (let value = 0; value < to; value++) {
      Atomics.add(counts, made, 1)
      yield value
    }
    return 'all'
  } finally {
    Atomics.add(counts, cleaned, 1)
  }
}

export async function* produceLater(counts: Int32Array, to: number): AsyncGenerator<number> {
  Atomics.add(counts, begun, 1)
  try {
    for (let value = 0; value < to; value++) {
      await new Promise(setImmediate)
      Atomics.add(counts, made, 1)
      yield value
    }
  } finally {
    Atomics.add(counts, cleaned, 1)
  }
}
