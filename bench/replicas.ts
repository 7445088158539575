/** Replicas in shared memory, beside what bounds them: for `memory.ts` and `stores.ts`. */
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { decodeStored, encodeStored } from '../lib/client/values.ts'
import { type Cell, ObjectCells } from '../lib/memory/object-cells.ts'
import { ReplicaReader } from '../lib/memory/replica-reader.ts'
import { type CellRow, ReplicaWriter } from '../lib/memory/replica-writer.ts'
import { createHubWords, ThreadWords } from '../lib/wire/shared-words.ts'
import { compare, median, ratio, type Target } from './measure.ts'
import type { ReaderData } from './memory-reader.ts'

const isQuick = process.argv.includes('--quick')
const rounds = isQuick ? 7 : 31
const fieldsOfReplica = 100_000
const key = 'object'
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What fields hold. */
export const kinds: Readonly<Record<string, (index: number) => unknown>> = {
  numbers: (index) => index * 1.5,
  'texts of 24 characters': (index) => `the value of ${index}`.padEnd(24, '.'),
  'small objects': (index) => ({ id: index, name: 'an object', isLive: true }),
}

function rowsOf(fields: readonly string[], version: number, of: (index: number) => unknown) {
  return fields.map((field, index): CellRow => {
    const value = encodeStored(of(version + index), field)
    return { field, state: [version + index, value], isValid: true }
  })
}

const names = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `field${String(index).padStart(6, '0')}`)

function open(writer: ReplicaWriter, hubWords: Int32Array): ObjectCells {
  const threadWords = new ThreadWords().words
  writer.attach(threadWords)
  const reader = new ReplicaReader({
    hubWords,
    threadWords,
    decode: decodeStored,
    segment: (index) => writer.segment(index),
  })
  return new ObjectCells(reader, { blocks: (from) => writer.blocks(key, from) })
}

function readCached(cells: ObjectCells, field: string): Cell | undefined {
  const cell = cells.cells.get(field)
  if (cell !== undefined && Atomics.load(cell.words, cell.at) === cell.word) return cell
  return cells.find(field) as Cell | undefined
}

/** What is read already and has not changed. */
export async function cachedReads(): Promise<Target> {
  const hubWords = createHubWords()
  const writer = new ReplicaWriter(hubWords)
  const fields = names(64)
  writer.publish(
    key,
    rowsOf(fields, 1, (index) => index),
  )
  const cells = open(writer, hubWords)
  for (const field of fields) cells.find(field)
  const words = new Int32Array(new SharedArrayBuffer(4))
  const map = new Map(fields.map((field, index) => [field, index]))
  let sum = 0
  const timings = await compare(
    [
      {
        name: 'bare',
        run: (count) => {
          for (let at = 0; at < count; at += 1) {
            sum += (map.get(fields[at & 63] as string) as number) + Atomics.load(words, 0)
          }
        },
      },
      {
        name: 'read',
        run: (count) => {
          for (let at = 0; at < count; at += 1) {
            sum += readCached(cells, fields[at & 63] as string)?.value as number
          }
        },
      },
    ],
    isQuick ? 300_000 : 2_000_000,
    rounds,
  )
  if (Number.isNaN(sum)) throw new Error('What was read is no number')
  const [bare, read] = timings as [(typeof timings)[0], (typeof timings)[0]]
  return {
    what: 'cached read, against one atomic load and a Map look-up',
    figures: { bare: median(bare.micros) * 1000, read: median(read.micros) * 1000 },
    unit: 'ns',
    ratio: ratio(read, bare),
    wanted: { atMost: 2 },
  }
}

/** The first read of each field after the hub, on another thread, has changed it. */
export async function firstReads(name: string, of: (index: number) => unknown): Promise<Target[]> {
  const hubWords = createHubWords()
  const writer = new ReplicaWriter(hubWords)
  const { words: threadWords } = new ThreadWords()
  writer.attach(threadWords)
  const fields = names(1000)
  const gate = new Int32Array(new SharedArrayBuffer(8))
  writer.publish(key, rowsOf(fields, 1, of))
  const blocks = writer.blocks(key, 0)
  const segments = [writer.segment(0) as SharedArrayBuffer]
  const shows: number[] = []
  const workerData: ReaderData = {
    ...{ hubWords, threadWords, gate, fields, rounds: rounds * 4, blocks, segments },
  }
  const worker = new Worker(new URL('./memory-reader.js', import.meta.url), { workerData })
  for (let round = 0; round < rounds * 4; round += 1) {
    const rows = rowsOf(fields, 1001 + round * 1000, of)
    const start = performance.now()
    for (const row of rows) writer.show(key, [row])
    shows.push(((performance.now() - start) * 1000) / rows.length)
    Atomics.store(gate, 0, round + 1)
    Atomics.notify(gate, 0)
    Atomics.wait(gate, 1, round)
  }
  const [micros] = (await once(worker, 'message')) as [number[]]
  const read = median(micros.slice(rounds))
  const show = median(shows.slice(rounds))
  return [
    {
      what: `first read after a change, ${name}, against 3 µs`,
      figures: { read, atMost: 3, show },
      unit: 'µs',
      ratio: read / 3,
      wanted: { atMost: 1 },
      isAbsolute: true,
    },
  ]
}

function contentBytes(value: unknown): number {
  if (typeof value === 'number') return 8
  return typeof value === 'string' ? Buffer.byteLength(value) : (value as Uint8Array).length
}

export function memoryOfReplica(name: string, of: (index: number) => unknown): Target {
  const fields = names(fieldsOfReplica)
  const hubWords = createHubWords()
  const rows = rowsOf(fields, 1, of)
  const given = rows.reduce(
    (sum, { field, state }) => sum + Buffer.byteLength(field) + contentBytes(state[1]),
    0,
  )
  kept.push(rows)
  const writer = new ReplicaWriter(hubWords)
  collect()
  const before = process.memoryUsage().heapUsed
  const start = performance.now()
  writer.publish(key, rows)
  const publish = performance.now() - start
  collect()
  const published = process.memoryUsage().heapUsed
  const cells = open(writer, hubWords)
  const opening = performance.now()
  cells.find('none')
  const opened = performance.now() - opening
  collect()
  const indexed = process.memoryUsage().heapUsed
  for (const field of fields) cells.find(field)
  collect()
  const decoded = process.memoryUsage().heapUsed
  const bound = 1.5 * given + 32 * fieldsOfReplica
  const { bytes } = writer.stats()
  const perField = (value: number): number => value / fieldsOfReplica
  console.log(
    `100,000 ${name}: published in ${publish.toFixed(0)} ms, looked through by a thread in ` +
      `${opened.toFixed(0)} ms; bytes a field: given ${perField(given).toFixed(1)}, ` +
      `hub's index ${perField(published - before).toFixed(0)}, ` +
      `thread's index ${perField(indexed - published).toFixed(0)}, ` +
      `with all values read ${perField(decoded - published).toFixed(0)}`,
  )
  return {
    what: `100,000 ${name}: shared memory, against 1.5 × what is given + 32 a field`,
    figures: { shared: perField(bytes), atMost: perField(bound) },
    unit: 'bytes a field',
    ratio: bytes / bound,
    wanted: { atMost: 1 },
  }
}

/** Rows stay in memory, so that what is measured is what was added. */
const kept: (readonly CellRow[])[] = []
