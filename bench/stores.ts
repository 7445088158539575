/**
 * The targets of the four models, each as a ratio of one run, the bare limits beside it:
 * `npm run bench:stores`, or with names of sections: `npm run bench:stores -- reads writes`. With
 * `--nodes=2` the cluster has two nodes, not three.
 */
import { goaway, init, isSpawner, shutdown } from 'goaway'
import { barePort } from '../lib/bench/bare-port.ts'
import { barePeer } from './bare-peer.ts'
import { compared, median, type Target, type Timing } from './measure.ts'
import { paperCluster } from './paper-server.ts'
import { isQuick, numberGiven, runSections, type Sections, sectionsNamed } from './part.ts'
import { firstReads, kinds, memoryOfReplica } from './replicas.ts'
import { report } from './report.ts'
import { connectRedis, startPeers } from './store-peers.ts'
import { fastWrites, gets, manyWrites, quickWrites, readRounds } from './store-routines.ts'

const nodes = numberGiven('nodes') ?? 3
/** With the spawner, which is a member like the others. */
const members = nodes + 1
/** What an invalidation and its answer put on the wire. */
const messageBytes = 96
const nowhere = { redisPort: undefined, lmdbPath: undefined }
/** Said once, though two sections look for the same peers. */
const leftOut = new Set<string>()
const home = goaway.with({ on: 'node-1' })

type Timings = ReadonlyMap<string, Timing>

function byName(timings: readonly Timing[]): Timings {
  return new Map(timings.map((timing) => [timing.name, timing]))
}

function named(timings: Timings, name: string): Timing {
  const timing = timings.get(name)
  if (timing === undefined) throw new Error(`Cannot compare ${name}: it was not measured`)
  return timing
}

function nanoseconds(timings: Timings, names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, median(named(timings, name).micros) * 1000]))
}

/** Round by round: so much of one, and so much of another. */
function sum(parts: readonly (readonly [times: number, timing: Timing])[]): Timing {
  const [first] = parts as [readonly [number, Timing]]
  const micros = first[1].micros.map((_, round) =>
    parts.reduce((all, [times, timing]) => all + times * (timing.micros[round] ?? 0), 0),
  )
  return { name: 'sum', micros }
}

const readers = [
  'StrictCentralized',
  'LinFastRead',
  'Weak',
  'UpdateOnRelease',
  'UpdateOnRelease, own write,',
]

/** What is read again and again and does not change, by a thread of the program's own node. */
async function reads(): Promise<Target[]> {
  const peers = await startPeers()
  for (const line of peers.leftOut) leftOut.add(line)
  await init({ threads: 1 })
  const timings = byName(await goaway(readRounds, isQuick ? 300 : 1_500, peers.places))
  await shutdown()
  await peers.end()
  const bare = named(timings, 'bare')
  const targets: Target[] = []
  for (const reader of readers) {
    const [below, property] = [`${reader} read`, `${reader} s.x`]
    targets.push({
      what: `a cached ${below} below the handle, to a Map look-up and an atomic load`,
      figures: nanoseconds(timings, ['bare', below]),
      unit: 'ns',
      ...compared(named(timings, below), bare),
      wanted: { atMost: 2 },
    })
    const asMethod = reader === 'StrictCentralized' ? [`${reader} s.get('x')`] : []
    targets.push({
      what: `the property ${property}, to the same`,
      figures: nanoseconds(timings, ['bare', property, ...asMethod]),
      unit: 'ns',
      ...compared(named(timings, property), bare),
      wanted: { atMost: 3 },
    })
  }
  return [...targets, ...againstPeers(timings)]
}

/** The slowest of all reads, beside who is asked over a socket and who looks into a file. */
function againstPeers(timings: Timings): Target[] {
  const all = [...timings.values()].filter(({ name }) => / (read|s\.x)$/.test(name))
  const slowest = all.reduce((one, other) =>
    median(one.micros) > median(other.micros) ? one : other,
  )
  const targets: Target[] = []
  for (const [peer, atLeast] of [
    ['Redis GET', 200],
    ['lmdb get', 1],
  ] as const) {
    const timing = timings.get(peer)
    if (timing === undefined) continue
    targets.push({
      what: `the slowest of these (${slowest.name}), to ${peer}`,
      figures: nanoseconds(timings, [slowest.name, peer]),
      unit: 'ns',
      ...compared(timing, slowest),
      wanted: { atLeast },
    })
  }
  return targets
}

/** Reads at a node of a cluster, which test its lease when they have the value. */
async function leasedReads(): Promise<Target[]> {
  const peers = await startPeers()
  for (const line of peers.leftOut) leftOut.add(line)
  const { redisPort } = peers.places
  const redis = redisPort === undefined ? undefined : connectRedis(redisPort)
  const all: Timing[] = []
  const asked: Timing = { name: 'Redis GET', micros: [] }
  for (let block = 0; block < (isQuick ? 3 : 10); block++) {
    const timings = await home(readRounds, isQuick ? 100 : 200, nowhere)
    for (const [index, { name, micros }] of timings.entries()) {
      all[index] ??= { name, micros: [] }
      all[index]?.micros.push(...micros)
    }
    for (let round = 0; redis !== undefined && round < 30; round++) {
      const start = performance.now()
      await gets(redis, 10)
      asked.micros.push(((performance.now() - start) * 1000) / 10)
    }
  }
  redis?.disconnect()
  await peers.end()
  return leasedTargets(byName(all), asked)
}

function leasedTargets(timings: Timings, asked: Timing): Target[] {
  const time = named(timings, 'process.hrtime()')
  const bare = named(timings, 'bare')
  const limits = [
    ['LinFastRead read', 2],
    ['LinFastRead s.x', 3],
  ] as const
  const targets = limits.map(([name, times]): Target => {
    const own = named(timings, name)
    return {
      what: `${name} at a node of a cluster, to ${times} × bare and 1.5 × process.hrtime()`,
      figures: nanoseconds(timings, ['bare', 'process.hrtime()', name]),
      unit: 'ns',
      ...compared(
        own,
        sum([
          [times, bare],
          [1.5, time],
        ]),
      ),
      wanted: { atMost: 1 },
    }
  })
  if (asked.micros.length === 0) return targets
  const [get, own] = [median(asked.micros), median(named(timings, 'LinFastRead s.x').micros)]
  targets.push({
    what: 'LinFastRead s.x at a node of a cluster, to Redis GET of the spawner in turn',
    figures: { 'LinFastRead s.x': own * 1000, 'Redis GET': get * 1000 },
    unit: 'ns',
    ratio: get / own,
    wanted: { atLeast: 200 },
  })
  return targets
}

/** Writes that wait for all nodes. */
async function fast(): Promise<Target[]> {
  const [bare, port, paper] = [await barePeer(), barePort(), await paperCluster(members)]
  // Few enough that most stretches are not interrupted.
  const count = 10
  const runs: Readonly<Record<string, () => Promise<number>>> = {
    'bare TLS round trip': () => bare.roundTrips(count, messageBytes),
    'bare port round trip': () => port.run(count),
    'LinFastRead write': () => home(fastWrites, count),
    'the paper’s protocol': () => paper.writes(count),
  }
  const measured = Object.keys(runs).map((name): Timing => ({ name, micros: [] }))
  // V8 has to have met all of it in every process, or what is measured is its interpreter.
  await home(fastWrites, isQuick ? 4_000 : 10_000)
  await paper.writes(isQuick ? 4_000 : 10_000)
  for (let round = -50; round < (isQuick ? 100 : 500); round++) {
    for (const [index, run] of Object.values(runs).entries()) {
      const ms = await run()
      if (round >= 0) measured[index]?.micros.push((ms * 1000) / count)
    }
  }
  bare.end()
  paper.end()
  await port.end()
  const [socket, threads, own, sequential] = measured as [Timing, Timing, Timing, Timing]
  const figures = Object.fromEntries(measured.map(({ name, micros }) => [name, median(micros)]))
  const trips = sum([
    [1, socket],
    [1, threads],
  ])
  const called = sum([
    [1, sequential],
    [1, threads],
  ])
  const who = `a LinFastRead write at its home, ${members} members`
  return [
    {
      what: `${who}, to a bare TLS and a bare port round trip`,
      figures,
      unit: 'µs',
      ...compared(own, trips),
      wanted: { atMost: 2 },
    },
    {
      what: `${who}, to the paper’s protocol over links alone and a port round trip`,
      figures,
      unit: 'µs',
      ...compared(called, own),
      wanted: { atLeast: 3 },
    },
  ]
}

/** Writes that wait for nobody. */
async function writes(where: string, on: typeof home): Promise<Target[]> {
  const timings = byName(await on(quickWrites, isQuick ? 200 : 1_000))
  const full = await on(manyWrites, isQuick ? 20_000 : 100_000)
  const limit = (what: string, name: string, bare: string, most: number): Target => {
    const { micros } = named(timings, name)
    const ratios = micros.map((value) => value / most)
    return {
      what: `${what}, ${where}, against ${most} µs`,
      figures: { [name]: median(micros), [bare]: median(named(timings, bare).micros) },
      unit: 'µs',
      ...compared({ name, micros: ratios }, { name: '', micros: ratios.map(() => 1) }),
      wanted: { atMost: 1 },
      isAbsolute: true,
    }
  }
  const weak = limit('a Weak write to the caller, 100 in one go', 'Weak', 'a message to a port', 3)
  const whenFull = {
    'without a pause': full.micros,
    'the longest wait of them': full.longestMs * 1000,
  }
  return [
    { ...weak, figures: { ...weak.figures, ...whenFull } },
    limit('a write under UpdateOnRelease before its release', 'UpdateOnRelease', 'Map.set', 1),
  ]
}

async function writesHere(): Promise<Target[]> {
  await init({ threads: 1 })
  const targets = await writes('without a cluster', goaway.with({ on: 'local' }))
  await shutdown()
  return targets
}

/** Sections on one machine, and those of a cluster. */
const alone: Sections = {
  reads,
  writes: writesHere,
  changes: async () => {
    const targets: Target[] = []
    for (const [name, of] of Object.entries(kinds)) targets.push(...(await firstReads(name, of)))
    return targets
  },
  memory: async () => Object.entries(kinds).map(([name, of]) => memoryOfReplica(name, of)),
}
const clustered: Sections = {
  leased: leasedReads,
  fast,
  'clustered-writes': () => writes('at a node of a cluster', home),
}

if (isSpawner) {
  const wanted = sectionsNamed(Object.keys({ ...alone, ...clustered }))
  const targets = await runSections(alone, wanted)
  if (wanted.some((name) => name in clustered)) {
    const each = Array.from({ length: nodes }, () => ({ threads: 1 }))
    await init({ launch: 'local', nodes: each, threads: 1 })
    targets.push(...(await runSections(clustered, wanted)))
    await shutdown()
  }
  report('stores', targets, { leftOut: [...leftOut] })
}
