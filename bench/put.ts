/**
 * A large value for many routines at two nodes: what crosses the links when it is put, the time of
 * that beside a bare TLS socket's for the same bytes, and beside the same value as an argument of
 * each routine: `node dist/bench/put.js`.
 */
import { goaway, init, isSpawner, put, type Ref, shutdown } from 'goaway'
import { type BarePeer, barePeer } from './bare-peer.ts'
import { median, ratio, spreadOf, type Target, type Timing } from './measure.ts'
import { isQuick, runSections, sectionsNamed } from './part.ts'
import { report } from './report.ts'

const mebibytes = 100
const bytes = mebibytes * 2 ** 20
const routines = 50
const nodes = 2
const rounds = isQuick ? 1 : 5
/** So many routines get the value as an argument; what 50 of them take is reckoned from that. */
const plainRoutines = 2

/** Looks at a few bytes: what is measured is the way there. */
export async function firstOf(value: Uint8Array | Ref<Uint8Array>): Promise<number> {
  const there = value instanceof Uint8Array ? value : await value.get({ shared: true })
  return (there[0] ?? 0) + (there.at(-1) ?? 0)
}

type Cluster = Awaited<ReturnType<typeof init>>

async function bytesSent(cluster: Cluster): Promise<number> {
  return (await cluster.stats()).reduce((sum, node) => sum + node.bytesSent, 0)
}

async function run(value: Uint8Array | Ref<Uint8Array>, count: number): Promise<void> {
  const on = (at: number): string => `node-${1 + (at % nodes)}`
  const start = (at: number) => goaway.with({ on: on(at) })(firstOf, value)
  const sums = await Promise.all(Array.from({ length: count }, (_, at) => start(at)))
  if (sums.some((sum) => sum !== 14)) throw new Error(`A routine read another value: ${sums}`)
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await act()
  return (performance.now() - start) * 1000
}

async function measure(cluster: Cluster, bare: BarePeer): Promise<Target[]> {
  const value = new Uint8Array(bytes).fill(7)
  const moved: number[] = []
  const socket: Timing = { name: 'bare TLS socket', micros: [] }
  const own: Timing = { name: 'goaway', micros: [] }
  const plain: Timing = { name: 'as an argument of each', micros: [] }
  for (let round = -1; round < rounds; round++) {
    const before = await bytesSent(cluster)
    const took = await timed(async () => {
      using ref = put(value)
      await run(ref, routines)
    })
    const sent = (await bytesSent(cluster)) - before
    const limit = (await bare.transfer(nodes * bytes)) * 1000
    const each = await timed(() => run(value, plainRoutines))
    if (round < 0) continue
    moved.push(sent / bytes)
    own.micros.push(took)
    socket.micros.push(limit)
    plain.micros.push((each * routines) / plainRoutines)
  }
  return targetsOf(moved, { own, socket, plain })
}

function targetsOf(
  moved: readonly number[],
  { own, socket, plain }: Readonly<Record<'own' | 'socket' | 'plain', Timing>>,
): Target[] {
  const what = `put of ${mebibytes} MiB, used by ${routines} routines on ${nodes} nodes`
  const seconds = ({ micros }: Timing): number => median(micros) / 1e6
  return [
    {
      what: `${what}: bytes on the links, to those of the value`,
      figures: { goaway: median(moved) * mebibytes, value: mebibytes },
      unit: 'MiB',
      ratio: median(moved),
      spread: spreadOf(moved),
      wanted: { atMost: 2.1 },
    },
    {
      what: `${what}: to a bare TLS socket for ${nodes * mebibytes} MiB`,
      figures: { [socket.name]: seconds(socket), goaway: seconds(own) },
      unit: 's',
      ratio: ratio(socket, own),
      wanted: { atLeast: 0.5 },
    },
    {
      what: `${what}: how many times faster than as an argument of each`,
      figures: { [`${plain.name}, of ${plainRoutines}`]: seconds(plain), goaway: seconds(own) },
      unit: 's',
      ratio: ratio(plain, own),
      wanted: { atLeast: 10 },
    },
  ]
}

if (isSpawner) {
  const wanted = sectionsNamed(['put'])
  const cluster = await init({ launch: 'local', nodes, threads: 0 })
  const bare = await barePeer()
  const targets = await runSections({ put: () => measure(cluster, bare) }, wanted)
  bare.end()
  await shutdown()
  report('put', targets)
}
