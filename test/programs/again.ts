/** A routine that may run twice loses its node, and one that may not. */
import process from 'node:process'
import {
  type ClusterOptions,
  context,
  goaway,
  init,
  isSpawner,
  StrictCentralized,
  shutdown,
} from 'goaway'
import { tell, tellHow } from './tell.ts'

const events = StrictCentralized<{ once: string; twice: string; never: number }>('events')

/** Its second attempt ends. */
export async function attempt(what: 'once' | 'twice'): Promise<{ node: string; attempt: number }> {
  const { node, attempt } = context()
  if (attempt > 1) return { node, attempt }
  await events.set(what, node)
  await events.waitFor('never')
  return { node, attempt }
}

async function main(options: ClusterOptions): Promise<void> {
  const cluster = await init(options)
  const nodes = (await cluster.stats()).map(({ name, pid }) => ({ name, pid }))
  const may = { on: 'mortal', idempotent: true, retries: 2 }
  const twice = tellHow('twice', () => goaway.with(may)(attempt, 'twice'))
  const node = await events.waitFor('twice')
  const once = tellHow('once', () => goaway.with({ on: node as string })(attempt, 'once'))
  await events.waitFor('once')
  tell({ what: 'started', node, nodes })
  await Promise.all([twice, once])
  await shutdown()
}

if (isSpawner) await main(JSON.parse(process.argv[2] as string) as ClusterOptions)
