/**
 * Walks through every interleaving of one writer and its readers, at the granularity of single
 * accesses by Atomics, and judges each read.
 *
 * The judgement: each read has a moment, between its begin and its end, in the order of what came
 * after what, at which all of what the field then was is what was read. The moments are those of
 * the releases: so releases are atomic, and no locked cell is read.
 */
import type { CellRead, ObjectCells } from '../../lib/memory/object-cells.ts'
import type { CellRow, WriterOptions } from '../../lib/memory/replica-writer.ts'
import { createHubWords } from '../../lib/wire/shared-words.ts'
import { Violation } from '../protocol/explore.ts'
import { finish, learn, type Steps, stepOf, sumUp, takeTurn } from './steps.ts'

/** What a field becomes: a version, 0 for absent; locked; or too large. */
export type Given = number | 'locked' | 'elsewhere'
export type Release = Readonly<Record<string, Given>>

export interface Scenario {
  readonly releases: readonly [published: Release, ...Release[]]
  /** For each reader, the fields that it reads. */
  readonly readers: readonly (readonly string[])[]
  /** Readers have looked at these before. */
  readonly known?: readonly string[]
  readonly options?: WriterOptions
}

/** The library's classes with their methods as generators. */
interface SteppingWriter {
  attach(words: Int32Array): void
  publish(key: string, rows: Iterable<CellRow>): Steps<void>
  show(key: string, rows: readonly CellRow[]): Steps<void>
  blocks(key: string, from: number): readonly SharedArrayBuffer[]
  generation(key: string): number
  segment(index: number): SharedArrayBuffer | undefined
}
interface SteppingReader {
  readonly version: number
  readonly content: unknown
}
interface SteppingCells extends Pick<ObjectCells, 'cells' | 'generation' | 'blocksKnown'> {
  find(field: string): Steps<CellRead | undefined>
}
export interface SteppingLibrary {
  ReplicaWriter: new (hubWords: Int32Array, options: WriterOptions) => SteppingWriter
  ReplicaReader: new (source: object) => SteppingReader
  ObjectCells: new (reader: SteppingReader, source: object) => SteppingCells
}

export interface Walk {
  readonly states: number
  readonly ends: number
  readonly reads: number
  readonly asks: number
  readonly violation: string | null
}

const key = 'o'
const large = new Uint8Array(70_000)
const contentOf = (field: string, version: number): string => `${field}=${version}`

function rowsOf(release: Release): CellRow[] {
  return Object.entries(release).map(([field, given]): CellRow => {
    if (given === 'locked') return { field, state: [0, undefined], isValid: false }
    if (given === 'elsewhere') return { field, state: [99, large], isValid: true }
    const value = given === 0 ? undefined : contentOf(field, given)
    return { field, state: [given, value], isValid: true }
  })
}

class World {
  readonly #scenario: Scenario
  readonly #writer: SteppingWriter
  readonly #threads: Steps<void>[]
  readonly #histories: unknown[][]
  readonly #readers: SteppingReader[] = []
  readonly #done = new Set<number>()
  /** After so many releases, what each field is. */
  readonly #states: Release[] = []
  #begun = 0
  #completed = 0
  /** Reads that ended were of a moment so late. */
  #latest = 0
  /** Of which version a cell's word is. */
  readonly #versions = new Map<string, number>()
  reads = 0
  asks = 0

  constructor(library: SteppingLibrary, scenario: Scenario) {
    this.#scenario = scenario
    for (const release of scenario.releases) {
      this.#states.push({ ...this.#states.at(-1), ...release })
    }
    const hubWords = createHubWords()
    takeTurn([])
    this.#writer = new library.ReplicaWriter(hubWords, scenario.options ?? {})
    const cells = scenario.readers.map(() => this.#open(library, hubWords))
    finish(this.#writer.publish(key, rowsOf(scenario.releases[0])))
    for (const one of cells) {
      for (const field of scenario.known ?? []) finish(this.#read(one, field))
    }
    this.#threads = [
      this.#write(),
      ...cells.map((one, index) => this.#readAll(one, scenario.readers[index] as string[])),
    ]
    this.#histories = this.#threads.map(() => [])
  }

  #open(library: SteppingLibrary, hubWords: Int32Array): SteppingCells {
    // Not all of `ThreadWords`: its ring is large, and thousands are made.
    const threadWords = new Int32Array(new SharedArrayBuffer(64))
    const writer = this.#writer
    writer.attach(threadWords)
    const reader = new library.ReplicaReader({
      hubWords,
      threadWords,
      segment: (index: number) => writer.segment(index),
    })
    this.#readers.push(reader)
    return new library.ObjectCells(reader, {
      blocks: (from: number, known: number) => {
        const generation = writer.generation(key)
        const blocks = writer.blocks(key, generation === known ? from : 0)
        learn(`${generation}:${blocks.length}`)
        return blocks
      },
    })
  }

  *#write(): Steps<void> {
    for (const release of this.#scenario.releases.slice(1)) {
      yield
      this.#begun += 1
      yield* this.#writer.show(key, rowsOf(release))
      this.#completed += 1
    }
  }

  *#readAll(cells: SteppingCells, fields: readonly string[]): Steps<void> {
    for (const [index, field] of fields.entries()) {
      yield
      yield* this.#read(cells, field)
      const known = [...cells.cells].map(
        ([name, { word, version }]) => `${name} ${word} ${version}`,
      )
      sumUp([index, cells.generation, cells.blocksKnown, ...known].join())
    }
  }

  *#read(cells: SteppingCells, field: string): Steps<void> {
    const completed = this.#completed
    const from = Math.max(completed, this.#latest)
    learn(from)
    const read = yield* quickly(cells, field)
    const moments = [...this.#states.keys()].slice(from, this.#begun + 1)
    if (read === undefined) {
      this.asks += 1
      const [only] = moments
      const isQuiet = completed === this.#begun && typeof this.#given(field, only) === 'number'
      if (isQuiet) throw new Violation(`${field} was to be had and was asked for`)
      learn('ask')
      return
    }
    this.reads += 1
    const moment = moments.find((at) => this.#given(field, at) === read.version)
    if (moment === undefined) {
      const given = moments.map((at) => String(this.#given(field, at)))
      throw new Violation(`${field} was read in version ${read.version}, it was ${given}`)
    }
    this.#latest = Math.max(this.#latest, moment)
    learn(moment)
    this.#judge(cells, field, read)
  }

  /** The value is that of its version, and the version that of the cell's word. */
  #judge(cells: SteppingCells, field: string, { version, value }: CellRead): void {
    const wanted = version === 0 ? undefined : contentOf(field, version)
    if (value !== wanted) throw new Violation(`${field} was ${value} in version ${version}`)
    const cell = cells.cells.get(field)
    if (cell === undefined) return
    const place = `${cells.generation} ${field} ${cell.word}`
    const before = this.#versions.get(place) ?? version
    if (before !== version) {
      throw new Violation(`${field} has version ${before} and ${version} under one word`)
    }
    this.#versions.set(place, version)
  }

  #given(field: string, moment = 0): Given {
    return this.#states[moment]?.[field] ?? 0
  }

  get enabled(): number[] {
    return [...this.#threads.keys()].filter((thread) => !this.#done.has(thread))
  }

  step(thread: number): void {
    takeTurn(this.#histories[thread] as unknown[])
    if ((this.#threads[thread] as Steps<void>).next().done === true) this.#done.add(thread)
    for (const { version, content } of this.#readers) {
      if (content !== undefined && !String(content).endsWith(`=${version}`)) {
        throw new Violation(`${content} was written over while version ${version} was copied`)
      }
    }
  }

  /** All threads' states are functions of what they have learnt; so is the memory. */
  get key(): string {
    const copied = this.#readers.map(({ version, content }) => `${version}${content}`)
    copied.push(`${this.#latest}`)
    return `${this.#histories.map((history) => history.join()).join('|')}|${copied.join()}`
  }
}

/** As users of the cells read. */
function* quickly(cells: SteppingCells, field: string): Steps<CellRead | undefined> {
  const cell = cells.cells.get(field)
  if (cell !== undefined) {
    if ((yield* stepOf('load')(cell.words, cell.at)) === cell.word) return cell
  }
  return yield* cells.find(field)
}

export function walkThrough(library: SteppingLibrary, scenario: Scenario, statesMax: number): Walk {
  const known = new Set<string>()
  const open: number[][] = [[]]
  let ends = 0
  let reads = 0
  let asks = 0
  const report = (violation: string | null): Walk => {
    return { states: known.size, ends, reads, asks, violation }
  }
  for (let way = open.pop(); way !== undefined; way = open.pop()) {
    try {
      const world = new World(library, scenario)
      for (const thread of way) world.step(thread)
      // The first of all that may come next goes on here; the others have to come this way again.
      for (let [first, ...others] = world.enabled; ; [first, ...others] = world.enabled) {
        if (first === undefined) {
          ends += 1
          reads += world.reads
          asks += world.asks
          break
        }
        if (known.has(world.key)) break
        known.add(world.key)
        for (const other of others) open.push([...way, other])
        way.push(first)
        world.step(first)
      }
    } catch (error) {
      if (error instanceof Violation) return report(`${error.message}, by ${way.join('')}`)
      throw error
    }
    if (known.size > statesMax) throw new Error(`walkThrough: more than ${statesMax} states`)
  }
  return report(null)
}
