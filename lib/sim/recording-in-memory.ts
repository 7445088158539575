/** The history of a simulation: recorded as in a program, and kept in memory. */
import type { HistoryLine, HistoryOperation } from '../history/format.ts'
import { mergeHistory } from '../history/merge.ts'
import { Recorder } from '../history/recorder.ts'

export class RecordingInMemory {
  readonly #lines: string[] = []
  #recorders = 0
  #now = 0

  /** All recorders share one counter as their clock: everything happens one after the other. */
  recorder(): Recorder {
    this.#recorders += 1
    return new Recorder({
      name: `${this.#recorders}`,
      now: () => ++this.#now,
      write: (line) => void this.#lines.push(line),
      close() {},
    })
  }

  operations(): readonly HistoryOperation[] {
    const lines = this.#lines.map((line) => JSON.parse(line) as HistoryLine)
    return mergeHistory([{ name: '', lines }]).operations
  }
}
