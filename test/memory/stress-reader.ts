/** A thread that reads what `threads.test.ts` writes, and complains of what must not be. */
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { ObjectCells } from '../../lib/memory/object-cells.ts'
import { ReplicaReader } from '../../lib/memory/replica-reader.ts'
import type { EncodedValue } from '../../lib/wire/messages.ts'
import { Chance } from '../check/histories.ts'
import { fieldOf, groupFields, groups, isValueAt, releaseOf } from './stress-values.ts'

export interface StressData {
  readonly seed: number
  /** It does nothing but copy, so that it is found in the midst of that. */
  readonly copiesOnly: boolean
  readonly hubWords: Int32Array
  readonly threadWords: Int32Array
  /** Words: 1 to stop; then reads that found a change; that had to ask; that were overtaken. */
  readonly progress: Int32Array
  /** Over which blocks and segments come. */
  readonly port: MessagePort
}

/** Blocks and segments as they were made, or what is wrong. */
export type StressMessage =
  | { readonly blocks: readonly SharedArrayBuffer[] }
  | { readonly segment: number; readonly buffer: SharedArrayBuffer }

class StressReader {
  readonly #data: StressData
  readonly #chance: Chance
  readonly #reader: ReplicaReader
  readonly #cells: ObjectCells
  readonly #seen = new Map<string, number>()

  constructor(data: StressData) {
    this.#data = data
    this.#chance = new Chance(data.seed)
    this.#reader = new ReplicaReader({
      hubWords: data.hubWords,
      threadWords: data.threadWords,
      decode: (value: EncodedValue) => ({ value, shareable: true }),
      segment: () => void this.#take(),
    })
    this.#cells = new ObjectCells(this.#reader, { blocks: () => void this.#take() })
  }

  run(): void {
    while (Atomics.load(this.#data.progress, 0) === 0) {
      const group = this.#chance.below(groups)
      if (this.#data.copiesOnly) {
        for (let index = 0; index < groupFields; index += 1) this.#copy(fieldOf(group, index))
        if (this.#cells.find('never')?.version === 0) this.#count(1)
        continue
      }
      const first = this.#release(fieldOf(group, this.#chance.below(groupFields)))
      const then = this.#release(fieldOf(group, this.#chance.below(groupFields)))
      if (first !== undefined && then !== undefined && then < first)
        throw new Error(`release ${then} was read after ${first}`)
      this.#copy(fieldOf(group, this.#chance.below(groupFields)))
      if (this.#cells.find(`never ${this.#chance.below(9)}`)?.version !== 0) this.#count(2)
    }
  }

  /** The release that the field is of; undefined if the hub is to be asked. */
  #release(field: string): number | undefined {
    const cell = this.#cells.find(field)
    if (cell === undefined) {
      this.#count(2)
      return undefined
    }
    const { version, value } = cell
    const before = this.#seen.get(field) ?? 0
    if (version < before) throw new Error(`${field}: version ${version} after ${before}`)
    if (!isValueAt(version, value)) throw new Error(`${field}: not the value of ${version}`)
    if (version !== before) this.#count(1)
    this.#seen.set(field, version)
    return releaseOf(version)
  }

  /** What was copied is whole even where it is not believed: nobody writes where it lies. */
  #copy(field: string): void {
    const known = this.#cells.cells.get(field)
    if (known === undefined) return
    const { words, at } = known
    const outcome = this.#reader.read({ words, at, version: 0, isDecoded: false })
    if (outcome !== 'changed') return
    this.#count(3)
    const { version, content } = this.#reader
    if (!isValueAt(version, content)) throw new Error(`${field}: written over while it was copied`)
  }

  #count(word: number): void {
    Atomics.add(this.#data.progress, word, 1)
  }

  #take(): undefined {
    for (;;) {
      const received = receiveMessageOnPort(this.#data.port)
      if (received === undefined) return undefined
      const message = received.message as StressMessage
      if ('blocks' in message) this.#cells.addBlocks(message.blocks)
      else this.#reader.addSegment(message.segment, message.buffer)
    }
  }
}

new StressReader(workerData as StressData).run()
