/**
 * Objects as one thread reads them by itself, from the memory that its hub writes: see
 * docs/replicas.md. Whatever is unusual is left to the hub: it is asked by a message, which comes
 * after all that the thread has sent before.
 *
 * Rule 1: while the hub has not answered what this thread has asked of a field, the field is not
 * read here, but asked for: the operations of a routine on a field take effect in the order of its
 * calls.
 * Rule 2: `UpdateOnRelease` objects show one log, hence while any of them is asked, all are: what a
 * thread reads of one includes what it has released of others.
 * Rule 3: one-way writes have no answer; until the hub has taken them, they are read from here.
 * Rule 4: a lease is tested when the value is there, with nothing in between.
 */
import { type Clock, realClock } from '../clock.ts'
import { oneWayWritesMax } from '../limits.ts'
import { absentCell, Cell, ObjectCells } from '../memory/object-cells.ts'
import { ReplicaReader } from '../memory/replica-reader.ts'
import { isForEver, leaseHolds } from '../wire/lease-word.ts'
import type { MemoryOperation, SharedStore } from '../wire/memory-messages.ts'
import type { Answer, EncodedValue } from '../wire/messages.ts'
import { wordLease, wordTaken, wordTakenCausal } from '../wire/shared-words.ts'
import { decodeStored } from './values.ts'

/** A field as a thread has read it: version 0 and `undefined` if it is absent. */
export interface LocalRead {
  readonly version: number
  readonly value: unknown
  isProperty?: boolean
}

/** The memory a thread shares with its hub. */
export interface SharedMemory {
  readonly hubWords: Int32Array
  readonly threadWords: Int32Array
}

/** Of a value that this thread has written, and whose version it does not know. */
const versionUnknown = -1

/** All objects of a thread. */
export class LocalObjects {
  readonly #weak: OneWayWrites
  readonly #causal: OneWayWrites
  readonly #log: LogCalls = { open: 0 }
  readonly #objects = new Map<string, LocalObject>()
  readonly #reader: ReplicaReader
  readonly #lease: LeaseTest
  /** The segment that a read could not do without. */
  #segment: number | undefined

  constructor({ hubWords, threadWords }: SharedMemory, clock: Pick<Clock, 'shared'> = realClock) {
    this.#weak = new OneWayWrites(threadWords, wordTaken)
    this.#causal = new OneWayWrites(threadWords, wordTakenCausal)
    this.#reader = new ReplicaReader({
      hubWords,
      threadWords,
      decode: decodeStored,
      segment: (index) => {
        this.#segment = index
        return undefined
      },
    })
    this.#lease = new LeaseTest(hubWords, () => clock.shared())
  }

  of(store: SharedStore, name: string): LocalObject {
    const key = `${store} ${name}`
    let object = this.#objects.get(key)
    if (object === undefined) {
      object = new LocalObject(this, this.#reader, [store, name], this.#testsOf(store))
      this.#objects.set(key, object)
    }
    return object
  }

  #testsOf(store: SharedStore): ReadTests {
    // Of the others, an object's master is never replaced, and a copy may be old.
    const lease = store === 'lin-fast-read' ? this.#lease : undefined
    return { lease, log: store === 'update-on-release' ? this.#log : noLog }
  }

  oneWay(store: SharedStore): OneWayWrites {
    return store === 'weak-causal' ? this.#causal : this.#weak
  }

  /** So many calls to objects of that store more, or less, have no answer. */
  called(store: SharedStore, calls: number): void {
    if (store === 'update-on-release') this.#log.open += calls
  }

  takeWantedSegment(): number | undefined {
    const wanted = this.#segment
    this.#segment = undefined
    return wanted
  }

  addSegment(index: number, buffer: SharedArrayBuffer): void {
    this.#reader.addSegment(index, buffer)
  }

  /** The hub is gone: what it has written is true no more. */
  end(): void {
    for (const object of this.#objects.values()) object.end()
    this.#objects.clear()
  }
}

/** What has to be so for a read to be answered here. */
interface ReadTests {
  readonly lease: LeaseTest | undefined
  readonly log: LogCalls
}

/** Calls to objects that show one log: while any has no answer, all of them are asked for. */
interface LogCalls {
  open: number
}

const noLog: LogCalls = { open: 0 }

/** Whether this node may answer reads now. */
class LeaseTest {
  readonly #words: Int32Array
  readonly #now: () => number

  constructor(hubWords: Int32Array, now: () => number) {
    this.#words = hubWords
    this.#now = now
  }

  get isNeeded(): boolean {
    return !isForEver(Atomics.load(this.#words, wordLease))
  }

  holds(): boolean {
    return leaseHolds(Atomics.load(this.#words, wordLease), this.#now)
  }
}

/** Writes of this thread to one store that want no answer, in the order in which they are taken. */
export class OneWayWrites {
  /** The word in which the hub counts those that it has taken. */
  readonly wordTaken: number
  readonly #words: Int32Array
  #sent = 0

  constructor(threadWords: Int32Array, word: number) {
    this.#words = threadWords
    this.wordTaken = word
  }

  /** So many are on their way that the next has to wait for its answer. */
  get isFull(): boolean {
    return this.#left(this.#sent) >= oneWayWritesMax
  }

  next(): number {
    this.#sent = (this.#sent + 1) | 0
    return this.#sent
  }

  isTaken(number: number): boolean {
    return this.#left(number) <= 0
  }

  #left(number: number): number {
    return (number - Atomics.load(this.#words, this.wordTaken)) | 0
  }
}

interface OwnWrite {
  readonly number: number
  /** No value: it was deleted. */
  readonly encoded: readonly [value: EncodedValue] | readonly []
}

/** One object, as this thread reads it. */
export class LocalObject {
  readonly #home: LocalObjects
  readonly #operation: readonly [store: SharedStore, name: string]
  readonly #log: LogCalls
  #lease: LeaseTest | undefined
  readonly #oneWay: OneWayWrites
  readonly #cells: ObjectCells
  /** The cells of the same, for a quick look; none while the thread is to see something else. */
  #quick: ReadonlyMap<string, Cell> = noCells
  #isOpen = false
  /** It is at another node, or nowhere any more. */
  #isElsewhere = false
  #wantsBlocks = false
  /** The hub was asked for its cells, and has not answered. */
  #isOpening = false
  /** By field, how many calls of this thread have no answer yet. */
  readonly #unanswered = new Map<string, number>()
  /** By field, the last one-way write that the hub may not have taken. */
  readonly #own = new Map<string, OwnWrite>()

  constructor(
    home: LocalObjects,
    reader: ReplicaReader,
    operation: readonly [store: SharedStore, name: string],
    { lease, log }: ReadTests,
  ) {
    this.#home = home
    this.#operation = operation
    this.#log = log
    this.#lease = lease
    this.#oneWay = home.oneWay(operation[0])
    const blocks = (): undefined => {
      this.#wantsBlocks = true
    }
    this.#cells = new ObjectCells(reader, { blocks })
  }

  /** The field, if it is what this thread has decoded already and nothing is unusual. */
  quick(field: string): LocalRead | undefined {
    const cell = this.#quick.get(field)
    if (cell === undefined || Atomics.load(cell.words, cell.at) !== cell.word) return undefined
    return this.#mayRead() ? cell : undefined
  }

  #mayRead(): boolean {
    return this.#log.open === 0 && (this.#lease === undefined || this.#lease.holds())
  }

  /**
   * The field as it stands; undefined: the hub is to be asked. Take from it at once.
   *
   * @param known what the thread has decoded from an answer: a version is one value for all
   */
  read(field: string, known?: LocalRead): LocalRead | undefined {
    if (this.#unanswered.has(field)) return undefined
    const own = this.#ownWrite(field)
    if (own !== undefined) return own
    const read = this.#isOpen ? this.#cells.find(field) : undefined
    if (read === undefined) return undefined
    if (read instanceof Cell && read.isDecoded && read.version === known?.version) {
      read.value = known.value
    }
    return this.#mayRead() ? read : undefined
  }

  /** What this thread has decoded of that version here. */
  decoded(field: string, version: number): LocalRead | undefined {
    const cell = this.#cells.cells.get(field)
    return cell?.isDecoded === true && cell.version === version ? cell : undefined
  }

  /** What the hub is to be asked for, before it is asked for the field. */
  wants(field: string): MemoryOperation | undefined {
    if (this.#isElsewhere || this.#isOpening || this.#unanswered.has(field)) return undefined
    const segment = this.#home.takeWantedSegment()
    if (segment !== undefined) return ['segment', segment]
    if (this.#isOpen && !this.#wantsBlocks) return undefined
    this.#wantsBlocks = false
    this.#isOpening = true
    const { blocksKnown, generation } = this.#cells
    return ['open', ...this.#operation, blocksKnown, generation]
  }

  /** Whether the answer to what was wanted makes it worth while to read once more. */
  provide(wanted: MemoryOperation, answer: Answer): boolean {
    if (wanted[0] === 'segment') {
      if (!(answer instanceof SharedArrayBuffer)) return false
      this.#home.addSegment(wanted[1], answer)
      return true
    }
    this.#isOpening = false
    if (answer === 0) this.#isElsewhere = true
    if (!Array.isArray(answer) || this.#isElsewhere) return false
    this.#cells.addBlocks(answer.slice(2) as SharedArrayBuffer[])
    this.#isOpen = true
    if (this.#lease?.isNeeded === false) this.#lease = undefined
    this.#show()
    return true
  }

  /** The hub was asked for what is wanted, and this thread does not wait for it. */
  awaits(wanted: MemoryOperation, answer: Promise<Answer>): void {
    const provide = (provided: Answer): void => {
      this.provide(wanted, provided)
    }
    answer.then(provide, () => provide(null))
  }

  /** It is read here, or may be as soon as the hub has answered what it was asked before. */
  get isOpenSoon(): boolean {
    return this.#isOpen || this.#isOpening
  }

  /** This thread asked for something of these fields: its next reads are to come after that. */
  unanswered(fields: readonly string[], answer: Promise<unknown>): void {
    this.#home.called(this.#operation[0], 1)
    for (const field of fields) {
      this.#unanswered.set(field, (this.#unanswered.get(field) ?? 0) + 1)
    }
    this.#show()
    const answered = (): void => this.#answered(fields)
    answer.then(answered, answered)
  }

  #answered(fields: readonly string[]): void {
    this.#home.called(this.#operation[0], -1)
    for (const field of fields) {
      const left = (this.#unanswered.get(field) ?? 0) - 1
      if (left > 0) this.#unanswered.set(field, left)
      else this.#unanswered.delete(field)
    }
    this.#show()
  }

  /** So many one-way writes are on their way that the next has to wait for its answer. */
  get isFull(): boolean {
    return this.#oneWay.isFull
  }

  /** A one-way write of this thread is on its way. */
  sent(field: string, ...encoded: OwnWrite['encoded']): void {
    if (this.#own.size >= ownWritesMax) this.#forgetTaken()
    // To the end: they are in the order of their numbers.
    this.#own.delete(field)
    this.#own.set(field, { number: this.#oneWay.next(), encoded })
    this.#show()
  }

  #show(): void {
    const isPlain = this.#unanswered.size === 0 && this.#own.size === 0
    this.#quick = isPlain && this.#isOpen ? this.#cells.cells : noCells
  }

  #ownWrite(field: string): LocalRead | undefined {
    if (this.#own.size === 0) return undefined
    const own = this.#own.get(field)
    if (own === undefined) return undefined
    if (this.#oneWay.isTaken(own.number)) {
      this.#forgetTaken()
      return undefined
    }
    if (own.encoded.length === 0) return absentCell
    return { version: versionUnknown, value: decodeStored(own.encoded[0]).value }
  }

  #forgetTaken(): void {
    for (const [field, { number }] of this.#own) {
      if (!this.#oneWay.isTaken(number)) break
      this.#own.delete(field)
    }
    this.#show()
  }

  end(): void {
    this.#isElsewhere = true
    this.#isOpen = false
    this.#quick = noCells
  }
}

const noCells: ReadonlyMap<string, Cell> = new Map()
/** So many own writes are kept before it is looked which of them were taken. */
const ownWritesMax = 256
