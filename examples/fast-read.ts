/**
 * Two routines that read shared values often and write them rarely: settings, a routing table, a
 * cache. That is what `LinFastRead` is for. A read stays in the thread and yet is never stale: once
 * a write has returned, nobody anywhere reads what was there before. The price is paid by writers,
 * who wait for all nodes. `StrictCentralized` promises the same, and each read asks the object's
 * master, unless that is this node. With `Weak` writes are cheap as well, and reads may be stale.
 * On one machine all nodes are one: run it with a cluster file to see them differ.
 */
import { goaway, isSpawner } from 'goaway'
import { LinFastRead, StrictCentralized, Weak } from 'goaway/sync'

const rounds = 25
/** The first ones are slow, whatever the model: all is still to be compiled. */
const warmUpRounds = 5
const readsPerRound = 100

/** Each routine writes one field and reads the other. */
interface Cache {
  left: number
  right: number
}
type Side = keyof Cache

const empty: Cache = { left: 0, right: 0 }
const caches = {
  LinFastRead: LinFastRead<Cache>('cache', empty),
  StrictCentralized: StrictCentralized<Cache>('cache', empty),
  Weak: Weak<Cache>('cache', empty),
}
type Model = keyof typeof caches

export interface Tally {
  readonly readMs: number
  readonly writeMs: number
  readonly stale: number
}

/** Writes one side, rarely, and reads the other, often. */
export function work(model: Model, mine: Side, first: number, last: number): Tally {
  const theirs = mine === 'left' ? 'right' : 'left'
  const cache = caches[model]
  // What is written is told here when the write has returned: no later read may be older.
  const told = StrictCentralized<Cache>(`told of ${model}`, empty)
  let [readMs, writeMs, stale] = [0, 0, 0]
  for (let round = first; round <= last; round++) {
    const writeStart = performance.now()
    cache[mine] = round
    writeMs += performance.now() - writeStart
    told[mine] = round

    const atLeast = told[theirs]
    const readStart = performance.now()
    for (let read = 0; read < readsPerRound; read++) if (cache[theirs] < atLeast) stale += 1
    readMs += performance.now() - readStart
  }
  return { readMs, writeMs, stale }
}

function workTogether(model: Model, first: number, last: number): Promise<Tally[]> {
  const sides: readonly Side[] = ['left', 'right']
  return Promise.all(sides.map((side) => goaway(work, model, side, first, last)))
}

if (isSpawner) {
  console.log('model                   a read      a write   stale reads')
  for (const model of Object.keys(caches) as Model[]) {
    await workTogether(model, 1, warmUpRounds)
    const tallies = await workTogether(model, warmUpRounds + 1, warmUpRounds + rounds)
    const sum = (of: keyof Tally) => tallies.reduce((total, tally) => total + tally[of], 0)
    const writes = rounds * tallies.length
    const reads = writes * readsPerRound
    const micros = (ms: number, count: number) => `${((ms / count) * 1000).toFixed(1)} µs`
    const [read, write] = [micros(sum('readMs'), reads), micros(sum('writeMs'), writes)]
    const stale = `${sum('stale')} of ${reads}`
    const columns = [model.padEnd(17), read.padStart(12), write.padStart(12), stale.padStart(13)]
    console.log(columns.join(' '))
  }
}
