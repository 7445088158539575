/** The writer of a replica that other threads read at the same time. */
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { type CellRow, ReplicaWriter, type WriterOptions } from '../../lib/memory/replica-writer.ts'
import { createHubWords, ThreadWords, wordReading } from '../../lib/wire/shared-words.ts'
import { absentRow, lockedRow, row } from './replica-stage.ts'
import type { StressData, StressMessage } from './stress-reader.ts'
import { fieldOf, groupFields, groups, valueAt, versionOf } from './stress-values.ts'

const key = 'object'

export class ReadingThread {
  readonly words = new ThreadWords().words
  readonly progress = new Int32Array(new SharedArrayBuffer(16))
  readonly port: MessagePort
  readonly #worker: Worker
  #error: Error | undefined

  constructor(seed: number, copiesOnly: boolean, hubWords: Int32Array) {
    const { port1, port2 } = new MessageChannel()
    this.port = port1
    const workerData: StressData = {
      ...{
        seed,
        copiesOnly,
        hubWords,
        threadWords: this.words,
        progress: this.progress,
        port: port2,
      },
    }
    const file = new URL('./stress-reader.js', import.meta.url)
    this.#worker = new Worker(file, { workerData, transferList: [port2] })
    this.#worker.on('error', (error) => {
      this.#error = error as Error
    })
  }

  /** What it complained of. */
  get error(): Error | undefined {
    return this.#error
  }

  get changes(): number {
    return Atomics.load(this.progress, 1)
  }

  get asks(): number {
    return Atomics.load(this.progress, 2)
  }

  get overtaken(): number {
    return Atomics.load(this.progress, 3)
  }

  get isReading(): boolean {
    return Atomics.load(this.words, wordReading) !== 0
  }

  async stop(): Promise<void> {
    const exit = once(this.#worker, 'exit')
    Atomics.store(this.progress, 0, 1)
    if (this.#error === undefined) await exit
    this.port.close()
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate()
    this.port.close()
  }
}

export class StressStage {
  readonly hubWords = createHubWords()
  readonly writer: ReplicaWriter
  readonly #threads = new Set<ReadingThread>()
  #release = 0
  #generation = 0
  #blocks = 0
  #segments = 0
  #passing: string[] = []

  constructor(options: WriterOptions = {}) {
    this.writer = new ReplicaWriter(this.hubWords, { absentCellsMax: 50, ...options })
    this.writer.publish(key, [])
  }

  get releases(): number {
    return this.#release
  }

  get moves(): number {
    return this.writer.generation(key) - 1
  }

  thread(seed: number, copiesOnly = false): ReadingThread {
    const thread = new ReadingThread(seed, copiesOnly, this.hubWords)
    this.writer.attach(thread.words)
    this.#threads.add(thread)
    this.#post([thread], { blocks: this.writer.blocks(key, 0) })
    for (let segment = 0; segment < this.#segments; segment += 1) {
      this.#post([thread], { segment, buffer: this.writer.segment(segment) as SharedArrayBuffer })
    }
    return thread
  }

  detach(thread: ReadingThread): void {
    this.writer.detach(thread.words)
    this.#threads.delete(thread)
  }

  /** Releases one after the other until all is seen, or a thread complains; false if too late. */
  async writeUntil(isOver: () => boolean, seconds: number): Promise<boolean> {
    const end = performance.now() + seconds * 1000
    while (performance.now() < end) {
      for (let count = 0; count < 200; count += 1) this.write()
      await setImmediate()
      if (isOver() || [...this.#threads].some(({ error }) => error !== undefined)) return true
    }
    return false
  }

  /** One release; at times with fields that come and go, at times locked before. */
  write(): void {
    const release = this.#release++
    const group = release % groups
    const rows = Array.from({ length: groupFields }, (_, index): CellRow => {
      const version = versionOf(release, index)
      return row(fieldOf(group, index), version, valueAt(version))
    })
    if (release % 7 === 0)
      this.writer.show(
        key,
        rows.map(({ field }) => lockedRow(field)),
      )
    if (release % 10 === 0) {
      rows.push(...this.#passing.map(absentRow))
      this.#passing = [0, 1, 2].map((index) => `passing ${release} ${index}`)
      rows.push(...this.#passing.map((field) => row(field, versionOf(release, 15), release)))
    }
    this.writer.show(key, rows)
    this.#tell()
  }

  #tell(): void {
    const { writer } = this
    const generation = writer.generation(key)
    const blocks = writer.blocks(key, generation === this.#generation ? this.#blocks : 0)
    if (generation !== this.#generation) this.#blocks = 0
    this.#generation = generation
    this.#blocks += blocks.length
    if (blocks.length > 0) this.#post(this.#threads, { blocks })
    for (; ; this.#segments += 1) {
      const buffer = writer.segment(this.#segments)
      if (buffer === undefined) return
      this.#post(this.#threads, { segment: this.#segments, buffer })
    }
  }

  #post(threads: Iterable<ReadingThread>, message: StressMessage): void {
    for (const { port } of threads) port.postMessage(message)
  }
}
