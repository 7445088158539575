/** Programs on a cluster of processes: how they end, what they print, and what they leave. */
import { writeSync } from 'node:fs'
import process from 'node:process'
import { context, goaway, init, isSpawner, shutdown } from 'goaway'
import { Lock, StrictCentralized } from 'goaway/sync'
import { tell } from './tell.ts'

const way = process.argv[2]
const s = StrictCentralized<Record<string, number>>('cluster life')
const line = 'x'.repeat(99)
const lines = 20_000

export function pidOf(): number {
  return process.pid
}

export function waits(): void {
  s.add('waiting')
  s.waitFor('never')
}

export function spins(): void {
  s.add('waiting')
  for (;;);
}

export async function printsInTurns(who: string): Promise<void> {
  for (let index = 0; index < 50; index++) {
    process.stdout.write(`${who} `)
    await null
    process.stdout.write(`${index} of `)
    await new Promise(setImmediate)
    console.log(context().node)
  }
}

export function printsMuch(): number {
  s.printing = 1
  for (let index = 0; index < lines; index++) console.log(`${index} ${line}`)
  return lines
}

export function increments(times: number): void {
  for (let time = 0; time < times; time++) {
    using _held = Lock('cluster life').acquire()
    s.count = (s.count ?? 0) + 1
  }
}

async function pids(): Promise<number[]> {
  return Promise.all(['node-1', 'node-2', 'node-3'].map((on) => goaway.with({ on })(pidOf)))
}

/** Keeps the program alive until SIGUSR2: who ends gives its output no more than a second. */
function untilRead(): Promise<void> {
  const timer = setInterval(() => {}, 1_000)
  return new Promise((resolve) => {
    process.once('SIGUSR2', () => {
      clearInterval(timer)
      resolve()
    })
  })
}

async function end(): Promise<void> {
  switch (way) {
    case 'await using': {
      await using _cluster = await init()
      tell({ pids: await pids() })
      return
    }
    case 'just ends':
      tell({ pids: await pids() })
      return
    case 'process.exit':
      tell({ pids: await pids() })
      process.exit(4)
      break
    case 'throws':
      tell({ pids: await pids() })
      throw new Error('the program itself')
    case 'closes': {
      const started = performance.now()
      const cluster = await init()
      const found = await pids()
      const upMs = performance.now() - started
      const closing = performance.now()
      // None of it is needed: nothing runs any more.
      await cluster.shutdown({ graceMs: 60_000 })
      tell({ pids: found, upMs, closeMs: performance.now() - closing })
      return
    }
    case 'signal': {
      tell({ pids: await pids() })
      goaway
        .with({ on: 'node-1' })(waits)
        .catch(() => {})
      goaway
        .with({ on: 'node-2' })(spins)
        .catch(() => {})
      s.waitFor('waiting', (waiting) => waiting === 2)
      writeSync(1, 'ready\n')
      s.waitFor('never')
      return
    }
    case 'prints in turns': {
      const read = untilRead()
      const nodes = ['node-1', 'node-2', 'node-3']
      await Promise.all(nodes.map((on) => goaway.with({ on })(printsInTurns, `${on}:`)))
      await read
      return
    }
    case 'prints much': {
      const read = untilRead()
      const printing = goaway.with({ on: 'node-2' })(printsMuch)
      s.waitFor('printing')
      // Nobody reads what it prints: the pipe is full, and locks and objects go on.
      await Promise.all(['node-1', 'node-3'].map((on) => goaway.with({ on })(increments, 50)))
      writeSync(2, `counted ${s.count}\n`)
      await printing
      await read
      return
    }
    case 'blocks first': {
      // No await before: the cluster is made while this thread sleeps.
      const routines = [goaway(increments, 10), goaway(increments, 10)]
      s.waitFor('count', (count) => count === 20)
      tell({ count: s.count })
      await Promise.all(routines)
      await shutdown()
      return
    }
  }
}

if (isSpawner) await end()
