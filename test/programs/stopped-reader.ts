/**
 * Nodes whose threads read in a tight loop stand still for longer than their lease, while the
 * object is written elsewhere, and go on. Tells of each whether any thread read an old value then.
 *
 * A thread writes what it reads after a pause into a file of its own, at once: its node belongs to
 * nobody any more, and what it would print is lost with it.
 */
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClusterOptions, goaway, init, LinFastRead, shutdown } from 'goaway'
import { LinFastRead as Blocking } from 'goaway/sync'
import { randomOf } from '../hub/random.ts'
import { nowNanos } from '../proof/race-part.ts'
import { runPlan } from './run-plan.ts'
import { tell } from './tell.ts'

export interface StoppedPlan {
  readonly cluster: ClusterOptions
  /** Stops after which at least one thread read again. */
  readonly tries: number
  /** Stops at most: where a read is a message, a node often ends before it has answered one. */
  readonly stopsMax: number
  /** Nodes that are stopped, all at the same time. */
  readonly victims: readonly string[]
  /** Threads of each that read. */
  readonly readers: number
  readonly folder: string
  readonly seed: number
}

export interface StoppedTry {
  readonly victim: string
  /** From the stop to the end of the write. */
  readonly stoodMs: number
  /** Threads that tried to read after that. */
  readonly threads: number
  readonly reads: number
  /** Reads of the new value; the others were refused. */
  readonly fresh: number
  readonly stale: number
}

interface Line {
  readonly begun: number
  /** In the line of its first read: the process in which it reads. */
  readonly pid?: number
  readonly value?: number
  readonly code?: string
}

interface Fields {
  x: number
}

/** A pause of the thread that is longer may have been a stop. */
const gapNanos = 20e6
const linesPerGap = 64
const refusalsMax = 16
const readsPerTurn = 500
const lookMs = 5

/** Reads until it is refused, again and again. */
export function readTightly(file: string): string {
  const shared = Blocking<Fields>('stopped')
  const asleep = new Int32Array(new SharedArrayBuffer(4))
  const out = openSync(file, 'a')
  const say = (line: object): number => writeSync(out, `${JSON.stringify(line)}\n`)
  let [last, left, refused, isTold] = [nowNanos(), 0, 0, false]
  for (let turn = 0; ; turn++) {
    const begun = nowNanos()
    let value: number
    try {
      value = shared.x
    } catch (error) {
      const { code } = error as { code: string }
      say({ begun, code })
      refused++
      // It has to stay so, for as long as the process lives.
      if (refused < refusalsMax) continue
      closeSync(out)
      return code
    }
    if (nowNanos() - last > gapNanos) left = linesPerGap
    if (left-- > 0) say({ begun, value })
    if (!isTold) say({ pid: process.pid })
    isTold = true
    // The hubs of two cores have to have their turns.
    if (turn % readsPerTurn === 0) Atomics.wait(asleep, 0, 0, 0.3)
    last = nowNanos()
  }
}

class Stops {
  readonly #plan: StoppedPlan
  readonly #random: () => number
  readonly #shared = LinFastRead<Fields>('stopped', { x: 0 })
  readonly #left = new Set<string>()
  #written = 0
  #turn = 0

  constructor(plan: StoppedPlan) {
    this.#plan = plan
    this.#random = randomOf(plan.seed)
  }

  async run(): Promise<void> {
    const { cluster: options, tries, stopsMax, victims } = this.#plan
    const cluster = await init(options)
    cluster.on('leave', ({ name }) => this.#left.add(name))
    let [done, stops] = [0, 0]
    while (done < tries && stops < stopsMax) {
      await until(() => cluster.nodes().length === victims.length + 2)
      for (const one of await this.#stopAll()) {
        tell({ what: 'try', ...one })
        stops++
        if (one.threads > 0) done++
      }
    }
    await shutdown({ graceMs: 0 })
  }

  async #stopAll(): Promise<StoppedTry[]> {
    const { victims, readers, folder } = this.#plan
    this.#turn++
    this.#left.clear()
    const filesOf = (victim: string): string[] =>
      Array.from({ length: readers }, (_, at) => join(folder, `${victim}-${this.#turn}-${at}`))
    const files = victims.flatMap((victim) => filesOf(victim).map((file) => ({ victim, file })))
    const ended = new Set<string>()
    const ends = files.map(({ victim, file }) =>
      goaway
        .with({ on: victim })(readTightly, file)
        .then(String, String)
        .then(() => ended.add(file)),
    )
    const pidsIn = (file: string): number[] => linesOf(file).flatMap(({ pid }) => pid ?? [])
    await until(() => files.every(({ file }) => ended.has(file) || pidsIn(file).length > 0))
    await sleep(this.#random() * 30)
    // On a busy machine a node may be lost before that: who then is in its place, or nobody, is
    // told by those who read.
    const pidsOf = (victim: string): number[] => filesOf(victim).flatMap(pidsIn)
    const met = victims.filter((victim) => pidsOf(victim).length > 0)
    const stopped = [...new Set(met.flatMap(pidsOf))]
    for (const pid of stopped) signal(pid, 'SIGSTOP')
    const stoppedAt = nowNanos()
    await this.#shared.set('x', ++this.#written)
    // A store that asks its master alone does not wait for those who are gone.
    await until(() => met.every((victim) => this.#left.has(victim)))
    const wroteAt = nowNanos()
    for (const pid of stopped) signal(pid, 'SIGCONT')
    await until(() => stopped.every((pid) => !isThere(pid)))
    await Promise.all(ends)
    const stoodMs = (wroteAt - stoppedAt) / 1e6
    return met.map((victim) => this.#judge(victim, filesOf(victim), wroteAt, stoodMs))
  }

  #judge(victim: string, files: readonly string[], wroteAt: number, stoodMs: number): StoppedTry {
    const after = files.map((file) => linesOf(file).filter(({ begun }) => begun > wroteAt))
    for (const file of files) rmSync(file, { force: true })
    const lines = after.flat()
    const values = lines.flatMap(({ value }) => (value === undefined ? [] : [value]))
    const stale = values.filter((value) => value !== this.#written).length
    const threads = after.filter((own) => own.length > 0).length
    return { victim, stoodMs, threads, reads: lines.length, fresh: values.length - stale, stale }
  }
}

function linesOf(file: string): Line[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Line)
}

/** To one that is gone: nothing. */
function signal(pid: number, name: NodeJS.Signals): void {
  if (isThere(pid)) process.kill(pid, name)
}

function isThere(pid: number): boolean {
  return existsSync(`/proc/${pid}`)
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(lookMs)
}

await runPlan((plan: StoppedPlan) => new Stops(plan).run())
