/**
 * What the bench of stores runs as routines. Each stretch that is timed takes less than a
 * millisecond: on a machine that does other things as well, most of them are not interrupted, and
 * the median is one of those.
 */
import process from 'node:process'
import { LinFastRead, StrictCentralized, UpdateOnRelease, Weak } from 'goaway/sync'
import type { Timing } from './measure.ts'
import { connectRedis, openLmdb, type PeerPlaces } from './store-peers.ts'

const initial = { x: 1, y: 2 }
const strict = StrictCentralized('bench', initial)
const fast = LinFastRead('bench', initial)
const weak = Weak('bench', initial)
const release = UpdateOnRelease('bench', initial)

type Loop = (count: number) => Promise<void> | void
type Loops = Readonly<Record<string, readonly [count: number, run: Loop]>>

/** Of so many values of that name, which the caller of a stretch could see. */
let sum = 0

/** Times the loops in turn, round by round, in microseconds an operation. */
async function timed(loops: Loops, rounds: number): Promise<Timing[]> {
  const timings = Object.keys(loops).map((name): Timing => ({ name, micros: [] }))
  const warmUp = Math.ceil(rounds / 8)
  for (let round = -warmUp; round < rounds; round++) {
    for (const [index, [count, run]] of Object.values(loops).entries()) {
      const start = process.hrtime.bigint()
      const running = run(count)
      if (running !== undefined) await running
      const took = Number(process.hrtime.bigint() - start)
      if (round >= 0) timings[index]?.micros.push(took / 1000 / count)
    }
  }
  if (Number.isNaN(sum)) throw new Error('What was read is no number')
  return timings
}

const inStretch = 2_000

/** One atomic load and a Map look-up, and what testing a lease costs. */
function bareLoops(): Loops {
  const names = Array.from({ length: 64 }, (_, index) => `field${index}`)
  const map = new Map([...names, 'x'].map((name, index) => [name, { value: index }]))
  const words = new Int32Array(new SharedArrayBuffer(64))
  return {
    bare: [
      inStretch,
      (count) => {
        for (let at = 0; at < count; at++) {
          sum += Atomics.load(words, 3) + (map.get('x') as { value: number }).value
        }
      },
    ],
    'process.hrtime()': [
      inStretch / 2,
      (count) => {
        for (let at = 0; at < count; at++) sum += process.hrtime()[1]
      },
    ],
  }
}

/** By function expressions of their own, so that V8 learns what each of them meets. */
function readLoops(): Loops {
  const { get: getStrict } = strict
  const { get: getFast } = fast
  const { get: getWeak } = weak
  const { get: getRelease } = release
  const stretch = (run: Loop) => [inStretch, run] as const
  return {
    'StrictCentralized read': stretch((count) => {
      for (let at = 0; at < count; at++) sum += getStrict('x')
    }),
    'StrictCentralized s.x': stretch((count) => {
      for (let at = 0; at < count; at++) sum += strict.x
    }),
    "StrictCentralized s.get('x')": stretch((count) => {
      for (let at = 0; at < count; at++) sum += strict.get('x')
    }),
    'LinFastRead read': stretch((count) => {
      for (let at = 0; at < count; at++) sum += getFast('x')
    }),
    'LinFastRead s.x': stretch((count) => {
      for (let at = 0; at < count; at++) sum += fast.x
    }),
    'Weak read': stretch((count) => {
      for (let at = 0; at < count; at++) sum += getWeak('x')
    }),
    'Weak s.x': stretch((count) => {
      for (let at = 0; at < count; at++) sum += weak.x
    }),
    'UpdateOnRelease read': stretch((count) => {
      for (let at = 0; at < count; at++) sum += getRelease('x')
    }),
    'UpdateOnRelease s.x': stretch((count) => {
      for (let at = 0; at < count; at++) sum += release.x
    }),
    'UpdateOnRelease, own write, read': stretch((count) => {
      for (let at = 0; at < count; at++) sum += getRelease('y')
    }),
    'UpdateOnRelease, own write, s.x': stretch((count) => {
      for (let at = 0; at < count; at++) sum += release.y
    }),
  }
}

/** All reads of one thread that holds its section of the object, and reads what it has written. */
export async function readRounds(rounds: number, peers: PeerPlaces): Promise<Timing[]> {
  const { redisPort, lmdbPath } = peers
  const redis = redisPort === undefined ? undefined : connectRedis(redisPort)
  const lmdb = lmdbPath === undefined ? undefined : openLmdb(lmdbPath)
  await lmdb?.put('x', 1)
  const held = release.acquire()
  release.y = 5
  try {
    const loops: Loops = {
      ...bareLoops(),
      ...readLoops(),
      ...(redis === undefined ? {} : { 'Redis GET': [10, (count) => gets(redis, count)] }),
      ...(lmdb === undefined
        ? {}
        : {
            'lmdb get': [
              500,
              (count: number) => {
                for (let at = 0; at < count; at++) sum += lmdb.get('x') as number
              },
            ],
          }),
    }
    return await timed(loops, rounds)
  } finally {
    held.release()
    redis?.disconnect()
    await lmdb?.close()
  }
}

/** One after the other. */
export async function gets(
  redis: { get(key: string): Promise<unknown> },
  count: number,
): Promise<void> {
  for (let at = 0; at < count; at++) await redis.get('x')
}

/** Milliseconds of so many writes, one after the other, that wait for all nodes. */
export function fastWrites(count: number): number {
  const start = performance.now()
  for (let at = 0; at < count; at++) fast.x = at
  return performance.now() - start
}

/** Writes that cost no answer: of `Weak`, and under a lock before it is released. */
export async function quickWrites(rounds: number): Promise<Timing[]> {
  const channel = new MessageChannel()
  const rows = new Map<string, readonly [string, number]>()
  const held = release.acquire()
  const timings = await timed(
    {
      'a message to a port': [
        100,
        (count) => {
          for (let at = 0; at < count; at++) channel.port1.postMessage(['set', 'bench', 'x', at])
        },
      ],
      Weak: [
        100,
        (count) => {
          for (let at = 0; at < count; at++) weak.x = at
        },
      ],
      // Outside of the figure: what was written is taken before the next stretch.
      taken: [1, () => weak.sync()],
      'Map.set': [
        inStretch / 2,
        (count) => {
          for (let at = 0; at < count; at++) rows.set('x', ['x', at])
        },
      ],
      UpdateOnRelease: [
        inStretch / 2,
        (count) => {
          for (let at = 0; at < count; at++) release.x = at
        },
      ],
    },
    rounds,
  )
  held.release()
  channel.port1.close()
  return timings
}

/** Writes to `Weak` without a pause: the way to the hub is full, and so the thread has to wait. */
export function manyWrites(count: number): { micros: number; longestMs: number } {
  const start = performance.now()
  let before = start
  let longestMs = 0
  for (let at = 0; at < count; at++) {
    weak.x = at
    const now = performance.now()
    longestMs = Math.max(longestMs, now - before)
    before = now
  }
  return { micros: ((before - start) * 1000) / count, longestMs }
}
