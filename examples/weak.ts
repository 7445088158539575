/**
 * Three notes on a board, written by two routines. A write of `Weak` is done at once and travels by
 * itself, which costs its writer next to nothing. Who else sees it, and when, is open until the
 * writer has called `sync()`. So `Weak` is for what nobody has to decide by at once: marks,
 * statistics, results that are read at the end.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { goaway, isSpawner } from 'goaway'
import { StrictCentralized, Weak } from 'goaway/sync'

const board = Weak('board', { a: 0, b: 0, c: 0 })

export function writeA(): void {
  board.a = 1
  board.sync()
}

export function writeBAndC(): void {
  board.b = 1
  board.c = 1
  board.sync()
}

const weak = Weak('measured', { mark: 0 })
const strict = StrictCentralized('measured', { mark: 0 })

/** @returns milliseconds until they are written, and until all nodes have them */
export function timeWrites(model: 'Weak' | 'StrictCentralized', count: number): [number, number] {
  const object = model === 'Weak' ? weak : strict
  const start = performance.now()
  for (let mark = 1; mark <= count; mark++) object.mark = mark
  const written = performance.now() - start
  weak.sync()
  return [written, performance.now() - start]
}

/** `c` first: it was written after `b`, so whoever sees it sees `b` as well. */
function look(): string {
  const { c } = board
  const { b, a } = board
  return `a=${a} b=${b} c=${c}`
}

/** All that can be seen until the routines have ended. */
async function lookUntil(ended: Promise<unknown>): Promise<Set<string>> {
  const seen = new Set<string>()
  let isOver = false
  const over = () => {
    isOver = true
  }
  ended.then(over, over)
  while (!isOver) {
    seen.add(look())
    await nextTurn()
  }
  await ended
  return seen
}

if (isSpawner) {
  console.log(`Before: ${look()}`)
  const seen = await lookUntil(Promise.all([goaway(writeA), goaway(writeBAndC)]))
  console.log('Meanwhile anything may be seen, but never c without b. This time:')
  for (const state of seen) console.log(`  ${state}`)
  console.log(`After their sync() only this: ${look()}`)

  const count = 2_000
  console.log(`${count} writes in a routine:`)
  const models = ['Weak', 'StrictCentralized'] as const
  // The first ones are slow, whatever the model: all is still to be compiled.
  for (const model of models) await goaway(timeWrites, model, count)
  for (const model of models) {
    const times = await goaway(timeWrites, model, count)
    const [written, everywhere] = times.map((ms) => `${((ms / count) * 1000).toFixed(1)} µs`)
    console.log(`  ${model}: ${written} each for the writer, ${everywhere} until all nodes have it`)
  }
}
