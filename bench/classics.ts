/**
 * The classics of distributed shared memory, each beside the same work done by one thread without
 * the library: `node dist/bench/classics.js`, or with the names of some. On threads of this process
 * and on nodes that are processes of their own. Where two threads compute, bare worker threads do
 * the same in turn. All results are checked. Ratios of one run mean something; times do not.
 */
import { type Cluster, type ClusterOptions, type InitOptions, init, isSpawner } from 'goaway'
import type { Workload } from '../lib/bench/report-data.ts'
import { classics } from './classics/all.ts'
import { BareWorkers } from './classics/bare.ts'
import type { Classic } from './classics/classic.ts'
import { compared, median, type Target, type Timing } from './measure.ts'
import { isQuick, sectionsNamed } from './part.ts'
import { report } from './report.ts'

interface Place {
  readonly where: string
  readonly workers: number
  readonly config: InitOptions | ClusterOptions
}

function threads(count: number): Place {
  const where = count === 1 ? '1 thread' : `${count} threads`
  return { where, workers: count, config: { threads: count } }
}

/** Of one thread each; the program's own process computes nothing. */
function nodes(count: number): Place {
  const config = {
    launch: 'local',
    nodes: Array.from({ length: count }, () => ({ threads: 1 })),
    threads: 0,
    // They compute all the time, on fewer cores than there are nodes.
    ...{ nodeTimeoutMs: 60_000, linkGraceMs: 20_000 },
  } as const
  return { where: count === 1 ? '1 node' : `${count} nodes`, workers: count, config }
}

const places = [threads(1), threads(2), nodes(1), nodes(2), nodes(3)]

/** Where the targets are measured: so it is done more often, and beside bare threads. */
const targetPlace = '2 threads'

interface Traffic {
  readonly messages: number
  readonly bytes: number
}

/** What all nodes have sent each other until now. */
async function trafficOf(cluster: Cluster): Promise<Traffic> {
  const stats = await cluster.stats()
  return {
    messages: stats.reduce((sum, { messagesSent }) => sum + messagesSent, 0),
    bytes: stats.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
  }
}

interface Measured {
  readonly serial: Timing
  readonly own: Timing
  readonly bare: Timing
  readonly traffic: Traffic
}

async function timed<Result>(
  timing: Timing | undefined,
  run: () => Result | Promise<Result>,
): Promise<Result> {
  const start = performance.now()
  const result = await run()
  timing?.micros.push((performance.now() - start) * 1000)
  return result
}

/** One classic at one place: one thread, bare threads and routines in turn. */
async function measure(
  classic: Classic,
  { where, workers }: Place,
  cluster: Cluster,
  bareWorkers: BareWorkers | undefined,
): Promise<Measured> {
  const [serial, own, bare] = ['serial', 'goaway', 'bare workers'].map(
    (name): Timing => ({ name, micros: [] }),
  ) as [Timing, Timing, Timing]
  const isThorough = !isQuick && where === targetPlace
  const rounds = isThorough ? 3 : 1
  const measured = isQuick ? 'quick' : isThorough ? 'full' : 'half'
  let traffic: Traffic = { messages: 0, bytes: 0 }
  for (let round = -2; round < rounds; round++) {
    const input = classic.prepare(classic.sizes[round < 0 ? 'quick' : measured])
    const [intoSerial, intoOwn, intoBare] = round < 0 ? [] : [serial, own, bare]
    const expected = await timed(intoSerial, () => classic.alone(input))
    if (bareWorkers !== undefined) {
      classic.check(await timed(intoBare, () => classic.bare(input, bareWorkers)), expected)
    }
    const before = await trafficOf(cluster)
    const result = await timed(intoOwn, () => classic.together(input, workers))
    const after = await trafficOf(cluster)
    classic.check(result, expected)
    traffic = { messages: after.messages - before.messages, bytes: after.bytes - before.bytes }
  }
  return { serial, own, bare, traffic }
}

function workloadOf(classic: Classic, place: Place, measured: Measured): Workload {
  const { serial, own, bare, traffic } = measured
  const hasBare = bare.micros.length > 0
  return {
    name: classic.name,
    where: place.where,
    workers: place.workers,
    serialMs: median(serial.micros) / 1000,
    tookMs: median(own.micros) / 1000,
    speedUp: compared(serial, own).ratio,
    ...(hasBare ? { bareSpeedUp: compared(serial, bare).ratio } : {}),
    ...traffic,
  }
}

/** The targets are of runs that take one thread so long. */
const longSeconds = 2

/** Why two threads cannot be judged by this, if so. */
function whyNoTarget(classic: Classic, { serial }: Measured): string | undefined {
  const target = `the target of ${classic.name}`
  if (isQuick) return `${target}: run without --quick, which is too short for it`
  const seconds = median(serial.micros) / 1e6
  if (seconds > longSeconds) return undefined
  return `${target}: one thread took ${seconds.toFixed(2)} s, and it is for over ${longSeconds} s`
}

/** Nine tenths of twice the speed of one thread; and of what bare threads reach. */
function targetsOf(classic: Classic, { serial, own, bare }: Measured): Target[] {
  const figures = {
    serial: median(serial.micros) / 1e6,
    'bare workers': median(bare.micros) / 1e6,
    goaway: median(own.micros) / 1e6,
  }
  const speedUps = { 'speed-up of bare workers': compared(serial, bare).ratio }
  return [
    {
      what: `${classic.name}, ${targetPlace}: the speed-up`,
      figures: { ...figures, ...speedUps },
      unit: 's',
      ...compared(serial, own),
      wanted: { atLeast: 1.8 },
    },
    {
      what: `${classic.name}, ${targetPlace}: the speed-up to that of bare workers`,
      figures,
      unit: 's',
      ...compared(bare, own),
      wanted: { atLeast: 0.9 },
    },
  ]
}

function show({ name, where, serialMs, tookMs, ...more }: Workload): void {
  const bare = more.bareSpeedUp === undefined ? '' : ` (bare ${more.bareSpeedUp.toFixed(2)})`
  const traffic = `${more.messages} messages, ${(more.bytes / 2 ** 20).toFixed(2)} MiB`
  const times = `${serialMs.toFixed(0)} ms alone, ${tookMs.toFixed(0)} ms`
  const speedUp = `${more.speedUp.toFixed(2)} times as fast${bare}`
  console.log(`${name.padEnd(20)}${where.padEnd(10)} ${times}: ${speedUp}; ${traffic}`)
}

async function main(chosen: readonly Classic[]): Promise<void> {
  const workloads: Workload[] = []
  const targets: Target[] = []
  const leftOut: string[] = []
  for (const place of places) {
    console.error(`${place.where} ...`)
    const cluster = await init(place.config)
    const isTarget = place.where === targetPlace
    const bareWorkers = isTarget ? new BareWorkers(place.workers) : undefined
    for (const classic of chosen) {
      const measured = await measure(classic, place, cluster, bareWorkers)
      const workload = workloadOf(classic, place, measured)
      show(workload)
      workloads.push(workload)
      if (!isTarget || !classic.hasTarget) continue
      const reason = whyNoTarget(classic, measured)
      if (reason === undefined) targets.push(...targetsOf(classic, measured))
      else leftOut.push(reason)
    }
    await bareWorkers?.end()
    await cluster.shutdown()
  }
  report('classics', targets, { workloads, leftOut })
}

if (isSpawner) {
  const names = sectionsNamed(Object.keys(classics))
  await main(names.flatMap((name) => classics[name] ?? []))
}
