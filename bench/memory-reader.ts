/**
 * The reading thread of `memory.ts`: told by a word that fields have changed, it reads each of them
 * once, and says how long that took.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { decodeStored } from '../lib/client/values.ts'
import { ObjectCells } from '../lib/memory/object-cells.ts'
import { ReplicaReader } from '../lib/memory/replica-reader.ts'

export interface ReaderData {
  readonly hubWords: Int32Array
  readonly threadWords: Int32Array
  /** Words: rounds that were begun, and ended. */
  readonly gate: Int32Array
  readonly fields: readonly string[]
  readonly rounds: number
  readonly blocks: readonly SharedArrayBuffer[]
  readonly segments: readonly SharedArrayBuffer[]
}

const { hubWords, threadWords, gate, fields, rounds, blocks, segments } = workerData as ReaderData
const reader = new ReplicaReader({
  hubWords,
  threadWords,
  decode: decodeStored,
  segment: (index) => segments[index],
})
const cells = new ObjectCells(reader, { blocks: (from) => blocks.slice(from) })
const micros: number[] = []
for (let round = 0; round < rounds; round += 1) {
  Atomics.wait(gate, 0, round)
  const start = performance.now()
  for (const field of fields) {
    if (cells.find(field) === undefined) throw new Error(`${field} was not to be had`)
  }
  micros.push(((performance.now() - start) * 1000) / fields.length)
  Atomics.store(gate, 1, round + 1)
  Atomics.notify(gate, 1)
}
parentPort?.postMessage(micros)
