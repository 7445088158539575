/**
 * A routine that holds a lock is stopped with its process, while another gets the lock. It tells
 * what it sees when it goes on: it writes at once, before anybody can have told it anything.
 */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ClusterOptions,
  type GoawayError,
  goaway,
  init,
  isSpawner,
  Lock,
  StrictCentralized,
  shutdown,
} from 'goaway'
import { tell, tellHow } from './tell.ts'

export interface StalledPlan {
  readonly cluster: ClusterOptions
  readonly holder: string
  readonly heir: string
  readonly lock: string
  /** Served by another node than the lock. */
  readonly object: string
  readonly events: string
  /** A gap in time that is taken for a stop. */
  readonly gapMs: number
}

interface Events {
  held: number
  passed: number
  tried: boolean
  end: boolean
}

const codeOf = (error: unknown): string => (error as GoawayError).code

export async function holdOn(plan: StalledPlan): Promise<unknown> {
  const held = await Lock(plan.lock).acquire()
  const object = StrictCentralized<{ x: string }>(plan.object)
  const lost = new Promise<string>((resolve) => {
    held.lost.addEventListener('abort', () => resolve(codeOf(held.lost.reason)))
  })
  await object.set('x', `at ${Date.now()}`)
  let write = 'written'
  // The stop may come before this routine hears that all know of its lock.
  let before = performance.now()
  await StrictCentralized<Events>(plan.events).set('held', held.token)
  while (write === 'written') {
    // A gap may be that of a busy machine as well: then the lock is still its own.
    if (performance.now() - before >= plan.gapMs) {
      write = await object.set('x', `at ${Date.now()}`).then(() => 'written', codeOf)
    }
    before = performance.now()
    await sleep(5)
  }
  const reason = await lost
  held.release()
  await StrictCentralized<Events>(plan.events).set('tried', true)
  const after = await object.set('y' as 'x', 'free').then(() => 'written', codeOf)
  const again = await Lock(plan.lock).acquire()
  again.release()
  return { token: held.token, write, reason, after, again: again.token }
}

export async function inherit(plan: StalledPlan): Promise<unknown> {
  const events = StrictCentralized<Events>(plan.events)
  const held = await Lock(plan.lock).acquire()
  await events.set('passed', held.token)
  await events.waitFor('end')
  await StrictCentralized<{ x: string }>(plan.object).set('x', 'heir')
  held.release()
  return { token: held.token, lost: held.lost.aborted }
}

async function main(plan: StalledPlan): Promise<void> {
  const cluster = await init(plan.cluster)
  const nodes = (await cluster.stats()).map(({ name, pid }) => ({ name, pid }))
  cluster.on('leave', ({ name }) => tell({ what: `leave ${name}` }))
  const events = StrictCentralized<Events>(plan.events)
  const holder = tellHow('holder', () => goaway.with({ on: plan.holder })(holdOn, plan))
  await events.waitFor('held')
  tell({ what: 'nodes', nodes })
  const heir = tellHow('heir', () => goaway.with({ on: plan.heir })(inherit, plan))
  tell({ what: 'passed', token: await events.waitFor('passed') })
  await events.waitFor('tried')
  tell({ what: 'x', value: await StrictCentralized<{ x: string }>(plan.object).get('x') })
  await events.set('end', true)
  await Promise.all([heir, holder])
  await shutdown()
}

if (isSpawner) await main(JSON.parse(process.argv[2] ?? '{}'))
