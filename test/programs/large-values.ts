/** A lock is asked for again and again while 100 MB pass as argument, result and stored value. */
import process from 'node:process'
import { StrictCentralized as AsyncStore, goaway, init, isSpawner } from 'goaway'
import { Lock, StrictCentralized } from 'goaway/sync'
import { tell } from './tell.ts'

const bytes = Number(process.argv[2] ?? 100_000_000)
const roundsMin = 3
/** On a busy machine many a round is delayed by others; more are made until one is not. */
const roundsMax = 20
const grantMs = 20
const store = AsyncStore<{ large: unknown }>('large values')
const state = StrictCentralized<{ asking: boolean; done: boolean }>('large values state')
const pause = new Int32Array(new SharedArrayBuffer(4))

/** The longest time that an acquire, which nobody contends, took until it is told to end. */
export function asks(): { max: number } {
  const lock = Lock('large values')
  let max = 0
  state.asking = true
  while (!state.done) {
    for (let index = 0; index < 20; index++) {
      const started = performance.now()
      lock.acquire().release()
      max = Math.max(max, performance.now() - started)
      Atomics.wait(pause, 0, 0, 1)
    }
  }
  return { max }
}

export function takes(value: unknown[] | Uint8Array | string): number {
  return value.length
}

export function gives(kind: string): unknown[] | Uint8Array | string {
  return make(kind)
}

export async function reads(): Promise<number> {
  return ((await store.get('large')) as { length: number }).length
}

export function copies(): number {
  return new Uint8Array(bytes).fill(1).slice().length
}

function make(kind: string): unknown[] | Uint8Array | string {
  if (kind === 'text') return 'x'.repeat(bytes)
  if (kind === 'bytes') return new Uint8Array(bytes).fill(1)
  return Array.from({ length: bytes / 1_000 }, (_, index) => ({ index, text: `text ${index}` }))
}

/**
 * One line with the longest delay of each round, smallest first: what every pass costs, and what
 * chance adds.
 */
async function measure(what: string, act: () => unknown): Promise<void> {
  const longest: number[] = []
  while (
    longest.length < roundsMin ||
    (longest.length < roundsMax && Math.min(...longest) >= grantMs)
  ) {
    await state.delete('asking')
    await state.delete('done')
    const asking = goaway(asks)
    state.waitFor('asking')
    await act()
    state.done = true
    longest.push((await asking).max)
  }
  longest.sort((one, other) => one - other)
  tell({ what, longest: longest.map((ms) => Math.round(ms * 10) / 10) })
}

if (isSpawner) {
  await init({ threads: 2 })
  await goaway(takes, 'warm')
  await measure('nothing', () => new Promise((resolve) => setTimeout(resolve, 100)))
  // What the same work costs without the library: two threads that fill and copy memory.
  await measure('copies', () => Promise.all([goaway(copies), copies()]))
  for (const kind of ['bytes', 'text', 'objects']) {
    const value = make(kind)
    await measure(`${kind} as argument`, () => goaway(takes, value))
    await measure(`${kind} as result`, () => goaway(gives, kind))
    await measure(`${kind} stored`, () => store.set('large', value))
    await measure(`${kind} read by a routine`, () => goaway(reads))
  }
}
