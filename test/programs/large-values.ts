/** A lock is asked for again and again while 100 MB pass as argument, result and stored value. */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { StrictCentralized as AsyncStore, goaway, init, isSpawner } from 'goaway'
import { Lock, StrictCentralized } from 'goaway/sync'
import { type Node, place } from '../../lib/client/current.ts'
import { wordHubThread } from '../../lib/wire/shared-words.ts'
import { tell } from './tell.ts'

const bytes = Number(process.argv[2] ?? 100_000_000)
const roundsMin = 2
/** Where a round may be delayed by others, more are made until one is not. */
const roundsMax = 20
const grantMs = 20
const store = AsyncStore<{ large: unknown }>('large values')
const state = StrictCentralized<{ asking: boolean; done: boolean }>('large values state')
const pause = new Int32Array(new SharedArrayBuffer(4))

/**
 * Milliseconds for which the hub had a processor: a busy machine delays a grant by much more than
 * what the hub does. Where the system does not tell, all that pass.
 */
function hubMs(): number {
  const thread = Atomics.load((place.node as Node).client.channel.hubWords, wordHubThread)
  try {
    const [nanoseconds] = readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')
    return Number(nanoseconds) / 1e6
  } catch {
    return performance.now()
  }
}

/**
 * Asks for a lock, which nobody contends, until it is told to end: what the hub did at most from
 * one grant to the next, and the longest that one took.
 */
export function asks(): { worked: number; took: number } {
  const lock = Lock('large values')
  let [worked, took] = [0, 0]
  let before = hubMs()
  state.asking = true
  while (!state.done) {
    for (let index = 0; index < 20; index++) {
      const started = performance.now()
      lock.acquire().release()
      took = Math.max(took, performance.now() - started)
      const now = hubMs()
      worked = Math.max(worked, now - before)
      before = now
      Atomics.wait(pause, 0, 0, 1)
    }
  }
  return { worked, took }
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

const rounded = (ms: number): number => Math.round(ms * 10) / 10

/**
 * One line with the most that the hub did for a grant in each round, smallest first: what every
 * pass costs, and what chance adds.
 */
async function measure(what: string, act: () => unknown): Promise<void> {
  const worked: number[] = []
  const took: number[] = []
  while (
    worked.length < roundsMin ||
    (worked.length < roundsMax && Math.min(...worked) >= grantMs)
  ) {
    await state.delete('asking')
    await state.delete('done')
    const asking = goaway(asks)
    state.waitFor('asking')
    await act()
    state.done = true
    const round = await asking
    worked.push(rounded(round.worked))
    took.push(rounded(round.took))
  }
  worked.sort((one, other) => one - other)
  tell({ what, worked, took })
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
