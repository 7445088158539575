/**
 * Counts under a lock at all nodes, while the test does something to one of them, and tells what
 * became of each routine, of a lock that was held there, and of who belonged to the cluster.
 */
import {
  Lock as AsyncLock,
  StrictCentralized as AsyncStrict,
  type ClusterOptions,
  context,
  type GoawayError,
  goaway,
  init,
  shutdown,
} from 'goaway'
import { Lock, StrictCentralized } from 'goaway/sync'
import { runPlan } from './run-plan.ts'
import { tell, tellHow } from './tell.ts'

export interface CountingPlan {
  readonly cluster: ClusterOptions
  readonly increments: number
  /** Increments of one routine. */
  readonly each: number
  /** Tells `now` when so many increments are confirmed, and some of each node among them. */
  readonly tellAt: number
  /** Node where a lock is held when that happens. */
  readonly victim: string
  /** Node that waits for that lock. */
  readonly heir: string
  /** News of the victim without which the program does not end. */
  readonly until?: 'leave' | 'join' | undefined
}

interface Counter {
  last: { count: number; token: number }
}

const initial = { last: { count: 0, token: 0 } }
const counter = StrictCentralized<Counter>('counter', initial)
const counted = AsyncStrict<Counter>('counter', initial)
const lock = Lock('counter')
const events = AsyncStrict<{ held: number; never: number }>('events')

/** Reads and writes, so that without the lock counts would be lost. */
export function increase(times: number): string {
  for (let done = 0; done < times; done++) {
    using held = lock.acquire()
    const { count, token } = counter.last
    if (held.token <= token) throw new Error(`Token ${held.token} after token ${token}`)
    counter.last = { count: count + 1, token: held.token }
  }
  return context().node
}

export async function hold(): Promise<void> {
  const held = await AsyncLock('held').acquire()
  await events.set('held', held.token)
  await events.waitFor('never')
}

export async function inherit(): Promise<number> {
  const held = await AsyncLock('held').acquire()
  held.release()
  return held.token
}

export function sum(left: number, right: number): number {
  return left + right
}

/** What became of the routines that count. */
class Tally {
  confirmed = 0
  readonly byNode: Record<string, number> = {}
  /** How many failed, by what the errors say. */
  readonly failures: Record<string, number> = {}
  #told = false
  readonly #plan: CountingPlan
  readonly #nodes: number

  constructor(plan: CountingPlan, nodes: number) {
    this.#plan = plan
    this.#nodes = nodes
  }

  async follow(routine: PromiseLike<string>): Promise<void> {
    try {
      const node = await routine
      this.byNode[node] = (this.byNode[node] ?? 0) + 1
      this.confirmed += this.#plan.each
    } catch (error) {
      const { code, maybeExecuted, node } = error as GoawayError
      const kind = `${code} ${maybeExecuted} ${node}`
      this.failures[kind] = (this.failures[kind] ?? 0) + 1
    }
    if (this.#told || this.confirmed < this.#plan.tellAt) return
    if (Object.keys(this.byNode).length < this.#nodes) return
    this.#told = true
    tell({ what: 'now', confirmed: this.confirmed })
  }
}

async function main(plan: CountingPlan): Promise<void> {
  const { increments, each, victim, heir } = plan
  const started = performance.now()
  const cluster = await init(plan.cluster)
  const nodes = (await cluster.stats()).map(({ name, pid }) => ({ name, pid }))
  tell({ what: 'nodes', nodes, tookMs: performance.now() - started })
  const news = (event: 'leave' | 'join'): Promise<void> =>
    new Promise((resolve) => {
      cluster.on(event, ({ name }) => {
        tell({ what: `${event} ${name}`, at: Date.now() })
        if (name === victim) resolve()
      })
    })
  const [left, joined] = [news('leave'), news('join')]
  const holder = tellHow('holder', () => goaway.with({ on: victim })(hold))
  const before = await events.waitFor('held')
  tell({ what: 'held', token: before })
  const heirs = tellHow('heir', () => goaway.with({ on: heir })(inherit))
  const tally = new Tally(plan, nodes.length)
  // The rest goes wherever it is quick: on a busy machine not to all of them.
  const routines = nodes.map(({ name }) => goaway.with({ on: name })(increase, each))
  while (routines.length < increments / each) routines.push(goaway(increase, each))
  await Promise.all(routines.map((routine) => tally.follow(routine)))
  const { confirmed, byNode, failures } = tally
  // Nothing else that is awaited may keep the program alive.
  const alive = setInterval(() => {}, 1_000)
  // The fault may come when all has been counted: what is told from here on is of after it.
  if (plan.until !== undefined) await left
  const count = await counted.get('last').then(
    (last) => last.count,
    (error: GoawayError) => error.code,
  )
  tell({ what: 'counted', count, confirmed, byNode, failures, at: Date.now() })
  // Nobody was lost: nobody frees what is held, but the program.
  if (confirmed === increments) await events.set('never', 1).catch(() => {})
  await Promise.all([holder, heirs])
  if (plan.until === 'join') {
    await joined
    await tellHow('sum at the victim', () => goaway.with({ on: victim })(sum, 2, 3))
  }
  clearInterval(alive)
  await afterwards()
  tell({ what: 'members', names: cluster.nodes().map(({ name }) => name) })
  await shutdown()
  tell({ what: 'end', tookMs: performance.now() - started })
}

/** What still works, and what does not, and how soon it says so. */
async function afterwards(): Promise<void> {
  const began = performance.now()
  await tellHow('sum', () => goaway(sum, 2, 3))
  for (const name of ['counter', 'never named before']) {
    await tellHow(`get of ${name}`, () =>
      AsyncStrict<Counter>(name)
        .get('last')
        .then(() => 'got'),
    )
    await tellHow(`acquire of ${name}`, async () => {
      const held = await AsyncLock(name).acquire()
      held.release()
      return 'acquired'
    })
  }
  tell({ what: 'afterwards', tookMs: performance.now() - began })
}

await runPlan(main)
