/**
 * The routines of the matrix: what an operation costs the thread that asks for it. They run on the
 * program's own thread, on others of its process and at nodes, all by the same code.
 *
 * - Nothing is timed but operations: an operation that takes less than `batchMicrosMin` is timed
 *   with others of its kind, so that the clock is no part of the figure.
 * - Each operation has a loop of its own, so that V8 makes of it what it makes of a program's loop.
 * - What is slow for a while shows: all batches of a round are kept, thinned to so many by rank.
 */
import type { SyncWeakObject } from '../sync.ts'
import { LinFastRead, Lock, StrictCentralized, UpdateOnRelease, Weak } from '../sync.ts'

export type StoreName = 'StrictCentralized' | 'LinFastRead' | 'Weak' | 'UpdateOnRelease' | 'Lock'

export type OperationName =
  | 'read'
  | 'write'
  | 'add'
  | 'update'
  | 'write and sync'
  | 'section of 1 write'
  | 'section of 10 writes'
  | 'acquire and release'
  | 'mix'

/** One operation, again and again, by one caller. */
export interface Task {
  readonly store: StoreName
  readonly operation: OperationName
  /** Of a mix: one of so many operations writes, the others read; else 1. */
  readonly cycle: number
  /** Whose object it is: callers with the same number use the same field. */
  readonly object: number
  /** Each operation is made under one lock of all callers. */
  readonly locked: boolean
}

/** What one caller saw in one round. */
export interface Sample {
  readonly operations: number
  /** Of the whole round, until all that was written is taken by those that have to take it. */
  readonly tookMicros: number
  /** Microseconds of one operation, of batches in order of their size, thinned by rank. */
  readonly micros: readonly number[]
}

interface Fields {
  x: number
}

type Loop = (count: number) => void

/** The clock costs some 0.05 µs: a hundredth of this. */
const batchMicrosMin = 5
const batchMax = 1_000
/** What is kept of a round. */
const ranks = 250
const initial: Fields = { x: 0 }
/** Of what was read: a loop whose result nobody sees might not be run. */
let sum = 0

/** Runs the task for some time. */
export function measureTask(task: Task, roundMs: number): Sample {
  return measureLoop(loopOf(task), task.cycle, roundMs, () => settle(task))
}

/** Runs so many operations of the task, for whoever counts what they cause. */
export function runTask(task: Task, count: number): number {
  if (count > 0) loopOf(task)(count)
  return sum
}

/** One atomic load and a Map look-up: a read that needs nobody. */
export function measureLoads(roundMs: number): Sample {
  const names = Array.from({ length: 64 }, (_, index) => `field${index}`)
  const map = new Map([...names, 'x'].map((name, index) => [name, { value: index }]))
  const words = new Int32Array(new SharedArrayBuffer(64))
  const run: Loop = (count) => {
    for (let at = 0; at < count; at++) sum += (map.get('x')?.value ?? 0) + Atomics.load(words, 0)
  }
  return measureLoop(run, 1, roundMs)
}

/** One message to a port that nobody reads. */
export function measurePosts(roundMs: number): Sample {
  const { port1, port2 } = new MessageChannel()
  const run: Loop = (count) => {
    for (let at = 0; at < count; at++) port1.postMessage(['set', 'bench', 'x', at])
  }
  const sample = measureLoop(run, 1, roundMs)
  port1.close()
  port2.close()
  return sample
}

function measureLoop(run: Loop, unit: number, roundMs: number, after?: () => void): Sample {
  const batch = batchOf(run, unit)
  const micros: number[] = []
  const begun = performance.now()
  let now = begun
  do {
    const before = now
    run(batch)
    now = performance.now()
    micros.push(((now - before) * 1_000) / batch)
  } while (now - begun < roundMs)
  after?.()
  const tookMicros = (performance.now() - begun) * 1_000
  return { operations: micros.length * batch, tookMicros, micros: thinned(micros) }
}

/** The smallest batch that takes long enough for the clock not to count. */
function batchOf(run: Loop, unit: number): number {
  let batch = unit
  while (batch < batchMax && quickest(run, batch) < batchMicrosMin) batch *= 2
  return batch
}

/** Of some tries, so that one that was interrupted does not decide. */
function quickest(run: Loop, count: number): number {
  let least = Number.POSITIVE_INFINITY
  for (let left = 3; left > 0; left--) {
    const start = performance.now()
    run(count)
    least = Math.min(least, (performance.now() - start) * 1_000)
  }
  return least
}

function thinned(micros: number[]): number[] {
  micros.sort((one, other) => one - other)
  if (micros.length <= ranks) return micros
  const step = micros.length / ranks
  return Array.from({ length: ranks }, (_, rank) => micros[Math.floor((rank + 0.5) * step)] ?? 0)
}

/** What was written and not waited for counts when it is taken. */
function settle({ store, object }: Task): void {
  if (store === 'Weak') weakOf(object).sync()
}

// Handles are made once a thread, as programs make theirs.

const strictOf = once((object) => StrictCentralized<Fields>(`bench ${object}`, initial))
const fastOf = once((object) => LinFastRead<Fields>(`bench ${object}`, initial))
const weakOf = once((object): SyncWeakObject<Fields> => Weak<Fields>(`bench ${object}`, initial))
const releaseOf = once((object) => UpdateOnRelease<Fields>(`bench ${object}`, initial))
const lockOf = once((object) => Lock(`bench ${object}`))
const common = Lock('bench of all')

function once<Handle>(make: (object: number) => Handle): (object: number) => Handle {
  const made = new Map<number, Handle>()
  return (object) => {
    const handle = made.get(object) ?? make(object)
    made.set(object, handle)
    return handle
  }
}

function loopOf(task: Task): Loop {
  const { store, operation, cycle, locked } = task
  const single = loopsOf(task)
  if (operation !== 'mix') return named(single, `${store} ${operation}`, operation)
  const write = store === 'UpdateOnRelease' ? 'section of 1 write' : 'write'
  const reads = named(single, store, store === 'UpdateOnRelease' && locked ? 'locked read' : 'read')
  const writes = named(single, store, write)
  // The store that has a lock in each object needs no other.
  return locked && store !== 'UpdateOnRelease'
    ? lockedMix(reads, writes, cycle)
    : mix(reads, writes, cycle)
}

function named(loops: Readonly<Record<string, Loop>>, what: string, operation: string): Loop {
  const loop = loops[operation]
  if (loop === undefined) throw new RangeError(`Cannot measure ${what}: it has no ${operation}`)
  return loop
}

/** One write, then reads; `count` is a multiple of the cycle, or what is left of one. */
function mix(reads: Loop, writes: Loop, cycle: number): Loop {
  return (count) => {
    for (let left = count; left > 0; left -= cycle) {
      writes(1)
      reads(Math.min(left, cycle) - 1)
    }
  }
}

function lockedMix(reads: Loop, writes: Loop, cycle: number): Loop {
  return (count) => {
    for (let at = 0; at < count; at++) {
      const held = common.acquire()
      if (at % cycle === 0) writes(1)
      else reads(1)
      held.release()
    }
  }
}

function loopsOf({ store, object }: Task): Readonly<Record<string, Loop>> {
  switch (store) {
    case 'StrictCentralized':
      return strictLoops(object)
    case 'LinFastRead':
      return fastLoops(object)
    case 'Weak':
      return weakLoops(object)
    case 'UpdateOnRelease':
      return releaseLoops(object)
    default:
      return lockLoops(object)
  }
}

function strictLoops(object: number): Record<string, Loop> {
  const strict = strictOf(object)
  return {
    read: (count) => {
      for (let at = 0; at < count; at++) sum += strict.x
    },
    write: (count) => {
      for (let at = 0; at < count; at++) strict.x = at
    },
    add: (count) => {
      for (let at = 0; at < count; at++) strict.add('x', 1)
    },
    update: (count) => {
      for (let at = 0; at < count; at++) strict.update('x', plusOne)
    },
  }
}

function fastLoops(object: number): Record<string, Loop> {
  const fast = fastOf(object)
  return {
    read: (count) => {
      for (let at = 0; at < count; at++) sum += fast.x
    },
    write: (count) => {
      for (let at = 0; at < count; at++) fast.x = at
    },
    add: (count) => {
      for (let at = 0; at < count; at++) fast.add('x', 1)
    },
    update: (count) => {
      for (let at = 0; at < count; at++) fast.update('x', plusOne)
    },
  }
}

function weakLoops(object: number): Record<string, Loop> {
  const weak = weakOf(object)
  return {
    read: (count) => {
      for (let at = 0; at < count; at++) sum += weak.x
    },
    write: (count) => {
      for (let at = 0; at < count; at++) weak.x = at
    },
    add: (count) => {
      for (let at = 0; at < count; at++) weak.add('x', 1)
    },
    'write and sync': (count) => {
      for (let at = 0; at < count; at++) {
        weak.x = at
        weak.sync()
      }
    },
  }
}

function releaseLoops(object: number): Record<string, Loop> {
  const release = releaseOf(object)
  const section = (writes: number): Loop => {
    return (count) => {
      for (let at = 0; at < count; at++) {
        const held = release.acquire()
        for (let write = 0; write < writes; write++) release.x = at + write
        held.release()
      }
    }
  }
  return {
    read: (count) => {
      for (let at = 0; at < count; at++) sum += release.x
    },
    'locked read': (count) => {
      for (let at = 0; at < count; at++) {
        const held = release.acquire()
        sum += release.x
        held.release()
      }
    },
    'section of 1 write': section(1),
    'section of 10 writes': section(10),
  }
}

function lockLoops(object: number): Record<string, Loop> {
  const lock = lockOf(object)
  return {
    'acquire and release': (count) => {
      for (let at = 0; at < count; at++) lock.acquire().release()
    },
  }
}

function plusOne(value: number): number {
  return value + 1
}
