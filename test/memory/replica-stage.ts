/** A writer and readers in one thread, with real shared memory between them. */
import { decodeStored } from '../../lib/client/values.ts'
import { ObjectCells } from '../../lib/memory/object-cells.ts'
import { ReplicaReader } from '../../lib/memory/replica-reader.ts'
import { type CellRow, ReplicaWriter, type WriterOptions } from '../../lib/memory/replica-writer.ts'
import type { EncodedValue } from '../../lib/wire/messages.ts'
import { createHubWords, ThreadWords } from '../../lib/wire/shared-words.ts'

export const row = (field: string, version: number, value: EncodedValue): CellRow => ({
  field,
  state: [version, value],
  isValid: true,
})
export const absentRow = (field: string): CellRow => row(field, 0, undefined)
export const lockedRow = (field: string): CellRow => ({ ...absentRow(field), isValid: false })

export class Stage {
  readonly hubWords = createHubWords()
  readonly writer: ReplicaWriter

  constructor(options?: WriterOptions) {
    this.writer = new ReplicaWriter(this.hubWords, options)
  }

  thread(): StageThread {
    const words = new ThreadWords().words
    this.writer.attach(words)
    return new StageThread(this, words)
  }
}

export class StageThread {
  readonly words: Int32Array
  readonly reader: ReplicaReader
  readonly #stage: Stage
  /** Blocks and segments are not to be had for now. */
  isCutOff = false

  constructor(stage: Stage, words: Int32Array) {
    this.#stage = stage
    this.words = words
    this.reader = new ReplicaReader({
      hubWords: stage.hubWords,
      threadWords: words,
      decode: decodeStored,
      segment: (index) => (this.isCutOff ? undefined : stage.writer.segment(index)),
    })
  }

  open(key: string): ObjectCells {
    const { writer } = this.#stage
    return new ObjectCells(this.reader, {
      blocks: (from, generation) => {
        if (this.isCutOff || !writer.isPublished(key)) return undefined
        return writer.blocks(key, writer.generation(key) === generation ? from : 0)
      },
    })
  }
}
