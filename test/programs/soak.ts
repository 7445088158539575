/**
 * Uses all stores and locks on a cluster for a while, and kills nodes that somebody brings back.
 * Tells each ten seconds how far it is, and what memory is used.
 */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cluster, type ClusterOptions, goaway, init, isSpawner, shutdown } from 'goaway'
import { randomOf } from '../hub/random.ts'
import { workInSoak } from '../proof/soak-work.ts'
import { factsOf, tell } from './tell.ts'

export interface SoakPlan {
  readonly cluster: ClusterOptions
  readonly file: string
  readonly lastsMs: number
  /** Objects are others after so long: each part of the history is checked by itself. */
  readonly sliceMs: number
  readonly tellMs: number
  /** Between the return of a node and the next kill, at most. */
  readonly calmMs: number
  readonly victims: readonly string[]
  readonly seed: number
}

export interface SoakSample {
  readonly atMs: number
  /** Resident, by node; of the program too. */
  readonly bytes: Readonly<Record<string, number>>
  /** Of the program's own thread, collected. */
  readonly heapBytes: number
  readonly routines: number
  readonly kills: number
}

const routinesAtOnce = 10
const actsEach = 40
const pauseMs = 15
/** A routine takes a second. One that takes so long is not going to end. */
const hangMs = 45_000
/** What a routine may end by when its node is killed. */
const lossCodes = ['ERR_GOAWAY_NODE_LOST', 'ERR_GOAWAY_SESSION_LOST', 'ERR_GOAWAY_THREAD_LOST']

class Soak {
  readonly #plan: SoakPlan
  readonly #cluster: Cluster
  readonly #random: () => number
  readonly #began = performance.now()
  /** When each of those began that have not settled. */
  readonly #open = new Map<number, number>()
  readonly #ends: Record<string, number> = {}
  #routines = 0
  #kills = 0

  constructor(plan: SoakPlan, cluster: Cluster) {
    this.#plan = plan
    this.#cluster = cluster
    this.#random = randomOf(plan.seed)
  }

  get #passedMs(): number {
    return performance.now() - this.#began
  }

  get #isOver(): boolean {
    return this.#passedMs > this.#plan.lastsMs
  }

  async run(): Promise<void> {
    const work = Array.from({ length: routinesAtOnce }, () => this.#work())
    await Promise.all([...work, this.#killNodes(), this.#tellOften()])
    tell({ what: 'soaked', ends: this.#ends, routines: this.#routines, kills: this.#kills })
  }

  async #work(): Promise<void> {
    while (!this.#isOver) {
      const worker = ++this.#routines
      const slice = Math.floor(this.#passedMs / this.#plan.sliceMs)
      this.#open.set(worker, this.#passedMs)
      const work = { worker, prefix: `soak ${slice}`, acts: actsEach, pauseMs }
      const end = await goaway(workInSoak, work).catch((error: { code: string }) => {
        if (lossCodes.includes(error.code)) return error.code
        throw error
      })
      this.#open.delete(worker)
      this.#ends[end] = (this.#ends[end] ?? 0) + 1
    }
  }

  async #killNodes(): Promise<void> {
    const { victims, calmMs } = this.#plan
    for (;;) {
      await this.#pause(this.#random() * calmMs)
      if (this.#isOver) return
      const name = victims[Math.floor(this.#random() * victims.length)] as string
      const pid = (await this.#cluster.stats()).find((one) => one.name === name)?.pid
      // On a busy machine a node may be lost without our help, and comes back as well.
      if (pid === undefined) continue
      const back = this.#news('join', name)
      const gone = this.#news('leave', name)
      this.#kills++
      process.kill(pid, 'SIGKILL')
      await gone
      await back
    }
  }

  #news(event: 'join' | 'leave', name: string): Promise<void> {
    return new Promise((resolve) => {
      const end = this.#cluster.on(event, (node) => {
        if (node.name !== name) return
        end()
        resolve()
      })
    })
  }

  async #tellOften(): Promise<void> {
    for (;;) {
      await this.#pause(this.#plan.tellMs)
      tell({ what: 'sample', ...(await this.#sample()) })
      for (const [worker, atMs] of this.#open) {
        if (this.#passedMs - atMs > hangMs) throw new Error(`Routine ${worker} does not end`)
      }
      if (this.#isOver) return
    }
  }

  async #sample(): Promise<SoakSample> {
    globalThis.gc?.()
    const bytes: Record<string, number> = { program: process.memoryUsage().rss }
    for (const { name, memoryBytes, pid } of await this.#cluster.stats()) {
      if (pid !== process.pid) bytes[name] = memoryBytes
    }
    const { heapUsed } = process.memoryUsage()
    const [routines, kills] = [this.#routines, this.#kills]
    return { atMs: Math.round(this.#passedMs), bytes, heapBytes: heapUsed, routines, kills }
  }

  /** Not longer than the soak. */
  #pause(ms: number): Promise<void> {
    return sleep(Math.max(0, Math.min(ms, this.#plan.lastsMs - this.#passedMs + 1)))
  }
}

if (isSpawner) {
  const plan = JSON.parse(process.argv[2] as string) as SoakPlan
  // News of nodes do not keep a program alive.
  const alive = setInterval(() => {}, 1_000)
  try {
    const cluster = await init({ ...plan.cluster, history: plan.file })
    await new Soak(plan, cluster).run()
    await shutdown()
    tell({ what: 'end' })
  } catch (error) {
    tell({ what: 'failed', ...factsOf(error) })
    await shutdown({ graceMs: 0 }).catch(() => {})
    process.exitCode = 1
  }
  clearInterval(alive)
}
