/**
 * Uses an object of each model and a lock at two nodes, while the test kills a third, and tells
 * what each of them says before and after.
 */
import {
  type ClusterOptions,
  type GoawayError,
  goaway,
  init,
  LinFastRead,
  Lock,
  StrictCentralized,
  shutdown,
  UpdateOnRelease,
  Weak,
} from 'goaway'
import { runPlan } from './run-plan.ts'
import { tell } from './tell.ts'

export interface LostPlan {
  readonly cluster: ClusterOptions
  readonly victim: string
  /** The node that is asked beside the spawner. */
  readonly other: string
}

interface Fields {
  x: number
}

const strict = StrictCentralized<Fields>('strict')
const fast = LinFastRead<Fields>('fast')
const weak = Weak<Fields>('weak')
const release = UpdateOnRelease<Fields>('release')
const lock = Lock('lock')

const reads = {
  strict: () => strict.get('x'),
  fast: () => fast.get('x'),
  weak: () => weak.get('x'),
  release: () => release.get('x'),
} as const

const writes = {
  strict: (x: number) => strict.set('x', x),
  fast: (x: number) => fast.set('x', x),
  weak: async (x: number) => {
    await weak.set('x', x)
    await weak.sync()
  },
  release: async (x: number) => {
    const held = await release.acquire()
    await release.set('x', x)
    await held.release({ ack: 'all' })
  },
  lock: async () => {
    const held = await lock.acquire()
    held.release()
  },
} as const

type Said = Record<string, unknown>

/** What each call comes back with: a value, or a code and the node that it names. */
async function outcomes(acts: Readonly<Record<string, () => Promise<unknown>>>): Promise<Said> {
  const said: Said = {}
  for (const [name, act] of Object.entries(acts)) {
    said[name] = await act().then(
      (value) => value ?? 'done',
      ({ code, node }: GoawayError) => `${code} ${node}`,
    )
  }
  return said
}

export function readAll(): Promise<Said> {
  return outcomes(reads)
}

export function writeAll(x: number): Promise<Said> {
  const acts = Object.entries(writes).map(([name, act]) => [name, () => act(x)] as const)
  return outcomes(Object.fromEntries(acts))
}

async function main({ cluster: options, victim, other }: LostPlan): Promise<void> {
  const cluster = await init(options)
  const there = goaway.with({ on: other })
  const gone = new Promise<void>((resolve) => {
    cluster.on('leave', ({ name }) => {
      if (name === victim) resolve()
    })
  })
  tell({ what: 'written', ...(await goaway.with({ on: victim })(writeAll, 1)) })
  tell({ what: 'read here', ...(await readAll()) })
  tell({ what: 'read there', ...(await there(readAll)) })
  const nodes = (await cluster.stats()).map(({ name, pid }) => ({ name, pid }))
  tell({ what: 'nodes', nodes })
  // News of a node keeps no program alive.
  const alive = setInterval(() => {}, 1_000)
  await gone
  clearInterval(alive)
  tell({ what: 'left here', ...(await readAll()) })
  tell({ what: 'left there', ...(await there(readAll)) })
  tell({ what: 'written there', ...(await there(writeAll, 2)) })
  tell({ what: 'seen here', ...(await readAll()) })
  tell({ what: 'written here', ...(await writeAll(3)) })
  tell({ what: 'seen there', ...(await there(readAll)) })
  await shutdown()
}

await runPlan(main)
