/** A module that is slow to load: what is said to its routines meanwhile must not be lost. */
import { setTimeout as delay } from 'node:timers/promises'
import { getEnvironmentData } from 'node:worker_threads'
import { context } from 'goaway'
import { signals } from './routines.ts'
import { slowGateKey } from './slow-gate.ts'
import { untilAborted } from './until-aborted.ts'

// A thread of another process has none.
const gate = getEnvironmentData(slowGateKey) as unknown as Int32Array | undefined
if (gate === undefined) await delay(150)
else while (Atomics.load(gate, 0) === 0) await delay(1)

export function* slowCount(): Generator<number> {
  for (let number = 0; ; number++) yield number
}

/** Tells that it was called, and ends when it is cancelled. */
export async function slowMark(): Promise<void> {
  const { signal } = context()
  await signals.set('slow called', 1)
  await untilAborted(signal)
}
