/**
 * The targets of a cluster over TCP with TLS, each as a ratio of one run, the bare limits beside
 * it: `npm run bench:cluster`, or with names of sections: `npm run bench:cluster -- read bursts`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { goaway, init, isSpawner, shutdown } from 'goaway'
import { Piscina } from 'piscina'
import { barePort } from '../lib/bench/bare-port.ts'
import { type BarePeer, barePeer } from './bare-peer.ts'
import { median, ratio, type Target, type Timing } from './measure.ts'
import { isQuick, runSections, sectionsNamed } from './part.ts'
import { report } from './report.ts'
import { blockingReads, bytesOf, trivial } from './routines.ts'

const rounds = isQuick ? 5 : 15
/** What a read or a routine puts on the wire, headers of a record included: measured. */
const messageBytes = 96
const mebibytes = 64

const remote = goaway.with({ on: 'node-1' })
const here = goaway.with({ on: 'local' })

function figuresOf(timings: readonly Timing[]): Record<string, number> {
  return Object.fromEntries(timings.map(({ name, micros }) => [name, median(micros)]))
}

/** What was measured side by side, round by round, in microseconds an operation. */
async function measured(
  count: number,
  runs: Readonly<Record<string, () => Promise<number>>>,
): Promise<Timing[]> {
  const timings = Object.keys(runs).map((name): Timing => ({ name, micros: [] }))
  for (let round = -2; round < rounds; round++) {
    for (const [index, run] of Object.values(runs).entries()) {
      const ms = await run()
      if (round >= 0) timings[index]?.micros.push((ms * 1000) / count)
    }
  }
  return timings
}

function sum(name: string, one: Timing, other: Timing): Timing {
  return { name, micros: one.micros.map((value, at) => value + (other.micros[at] ?? 0)) }
}

async function read(bare: BarePeer): Promise<Target[]> {
  const port = barePort()
  const count = 1_000
  const timings = await measured(count, {
    'bare TLS round trip': () => bare.roundTrips(count, messageBytes),
    'bare port round trip': () => port.run(count),
    goaway: () => here(blockingReads, count),
  })
  await port.end()
  const [socket, threads, own] = timings as [Timing, Timing, Timing]
  return [
    {
      what: 'a blocking strict read at another node, to a bare TLS and a bare port round trip',
      figures: figuresOf(timings),
      unit: 'µs',
      ratio: ratio(own, sum('', socket, threads)),
      wanted: { atMost: 2 },
    },
  ]
}

async function routines(bare: BarePeer): Promise<Target[]> {
  const filename = fileURLToPath(new URL('./routines.js', import.meta.url))
  const pool = new Piscina({ filename, minThreads: 2, maxThreads: 2 })
  const count = 500
  const each = async (act: () => Promise<unknown>): Promise<number> => {
    const start = performance.now()
    for (let left = count; left > 0; left--) await act()
    return performance.now() - start
  }
  const timings = await measured(count, {
    'bare TLS round trip': () => bare.roundTrips(count, messageBytes),
    piscina: () => each(() => pool.run(1)),
    goaway: () => each(() => remote(trivial, 1)),
  })
  await pool.destroy()
  const [socket, piscina, own] = timings as [Timing, Timing, Timing]
  return [
    {
      what: 'a remote routine, awaited one by one, to a bare TLS round trip and piscina',
      figures: figuresOf(timings),
      unit: 'µs',
      ratio: ratio(own, sum('', socket, piscina)),
      wanted: { atMost: 2 },
    },
  ]
}

async function bursts(bare: BarePeer): Promise<Target[]> {
  const batch = 500
  const count = 10 * batch
  const message = ['result', 2 ** 40, 1, 2, 3, 1, new Uint8Array(8)]
  const timings = await measured(count, {
    'net-ipc in batches': () => bare.batches(count, batch, message),
    goaway: async () => {
      const start = performance.now()
      for (let left = count; left > 0; left -= batch) {
        await Promise.all(Array.from({ length: batch }, () => remote(trivial, 1)))
      }
      return performance.now() - start
    },
  })
  const [limit, own] = timings as [Timing, Timing]
  return [
    {
      what: `bursts of ${batch} remote routines, to net-ipc messages in batches`,
      figures: Object.fromEntries(timings.map(({ name, micros }) => [name, 1000 / median(micros)])),
      unit: '1,000/s',
      ratio: ratio(limit, own),
      wanted: { atLeast: 0.5 },
    },
  ]
}

async function large(bare: BarePeer): Promise<Target[]> {
  const bytes = mebibytes * 2 ** 20
  const value = new Uint8Array(bytes).fill(7)
  const timings = await measured(mebibytes, {
    'bare TLS socket': () => bare.transfer(bytes),
    goaway: async () => {
      const start = performance.now()
      await remote(bytesOf, value)
      return performance.now() - start
    },
  })
  const [socket, own] = timings as [Timing, Timing]
  return [
    {
      what: `an argument of ${mebibytes} MiB, to a bare TLS socket`,
      figures: Object.fromEntries(
        timings.map(({ name, micros }) => [name, 1_000_000 / median(micros)]),
      ),
      unit: 'MiB/s',
      ratio: ratio(socket, own),
      wanted: { atLeast: 0.7 },
    },
  ]
}

/** Seconds from the start of a process to the line it prints first. */
async function firstLine(program: string): Promise<number> {
  const file = fileURLToPath(new URL(program, import.meta.url))
  const start = performance.now()
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const took = performance.now() - start
  await once(child, 'close')
  return took / 1000
}

async function start(): Promise<Target[]> {
  const seconds: number[] = []
  for (let round = 0; round < (isQuick ? 5 : 11); round++) {
    seconds.push(await firstLine('./start-cluster.js'))
  }
  const first = median(seconds)
  return [
    {
      what: 'from process start to the first result of a local cluster of 3 nodes, in seconds',
      figures: { goaway: first },
      unit: 's',
      ratio: first,
      wanted: { atMost: 1.5 },
      isAbsolute: true,
    },
  ]
}

if (isSpawner) {
  const bareSections = { read, routines, bursts, large }
  const wanted = sectionsNamed([...Object.keys(bareSections), 'start'])
  await init({ launch: 'local', nodes: [{ name: 'node-1', threads: 2 }], threads: 1 })
  const bare = await barePeer()
  const beside = Object.entries(bareSections).map(([name, run]) => [name, () => run(bare)] as const)
  const targets = await runSections({ ...Object.fromEntries(beside), start }, wanted)
  bare.end()
  await shutdown()
  report('cluster', targets)
}
