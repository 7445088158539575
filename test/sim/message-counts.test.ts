/**
 * Messages for each operation, counted in the simulator, as the pages in `docs/protocols` say. The
 * larger clusters are whole ones as well: what makes them cheap is that nothing else is going on,
 * for their leases are long, and that few operations are counted in them. That of 256 members
 * takes a minute: `npm run proof` has it, with `--all`.
 */
import process from 'node:process'
import t from 'tap'
import type { Operation } from '../../lib/wire/messages.ts'
import type { ReplicaOperation } from '../../lib/wire/replica-messages.ts'
import { Stage, StageClient } from './stage.ts'

const sizes = [2, 3, 5, 8, 16, 64, ...(process.argv.includes('--all') ? [256] : [])]
/** No lease is renewed while messages are counted. */
const calm = { nodeTimeoutMs: 100_000_000, linkGraceMs: 10_000_000 }
/** Long enough for all that follows from an operation. */
const settleMs = 200

class Counter {
  readonly #stage: Stage
  readonly #clients = new Map<number, StageClient>()

  constructor(stage: Stage) {
    this.#stage = stage
  }

  #client(place: number): StageClient {
    const known = this.#clients.get(place)
    if (known !== undefined) return known
    const client = new StageClient(this.#stage.world.node(place))
    this.#clients.set(place, client)
    return client
  }

  /** Asks at that place; also says how many messages of stores went from node to node for it. */
  async ask(place: number, operation: Operation): Promise<readonly [number, unknown]> {
    const { world } = this.#stage
    const since = this.#stage.now
    const answer = await this.#stage.settle(this.#client(place).ask(operation), 1_000)
    await this.#stage.run(settleMs)
    const entries = world.trace.filter(({ time }) => time > since)
    const kinds = entries.flatMap(({ what }) => what.split(' '))
    return [kinds.filter((kind) => /^(store|request:|reply:)/.test(kind)).length, answer]
  }

  async count(place: number, operation: Operation): Promise<number> {
    const [messages] = await this.ask(place, operation)
    return messages
  }
}

/** At the node that orders writes, and at another one. */
interface Row {
  readonly name: string
  readonly here: number
  readonly elsewhere: number
}

const strictRows = (): Row[] => [
  { name: 'set', here: 0, elsewhere: 2 },
  { name: 'get', here: 0, elsewhere: 2 },
]

const linRows = (n: number): Row[] => [
  { name: 'set', here: 3 * (n - 1), elsewhere: 3 * (n - 1) + 2 },
  { name: 'get', here: 0, elsewhere: 0 },
  { name: 'entries', here: 0, elsewhere: 0 },
  { name: 'compareAndSet', here: 0, elsewhere: 2 },
]

const weakRows = (n: number): Row[] => [
  { name: 'set', here: n - 1, elsewhere: n - 1 },
  { name: 'sync', here: 2 * (n - 1), elsewhere: 2 * (n - 1) },
  { name: 'sync', here: 0, elsewhere: 0 },
  { name: 'add', here: n - 1, elsewhere: n - 1 },
  { name: 'get', here: 0, elsewhere: 0 },
  { name: 'fence', here: 2 * (n - 1), elsewhere: 2 * (n - 1) },
]

function operationOf(name: string, object: string): ReplicaOperation {
  switch (name) {
    case 'get':
      return [name, object, 'x', 0]
    case 'set':
      return [name, object, 'x', 1, null]
    case 'add':
      return [name, object, 'n', 1, null]
    case 'compareAndSet':
      // It holds another value.
      return [name, object, 'x', 'no', 2, null]
    case 'entries':
      return [name, object]
    default:
      return [name]
  }
}

const releaseRows = (n: number) => [
  { writes: [['x', 1]], ackAll: false, here: n - 1, elsewhere: n + 1 },
  { writes: [['x', 2]], ackAll: true, here: 2 * (n - 1), elsewhere: 2 * n },
  { writes: [], ackAll: false, here: 0, elsewhere: 2 },
]

t.setTimeout(600_000)

for (const n of sizes) {
  t.test(`Messages of a cluster with ${n} members`, async (t) => {
    const stage = new Stage({ seed: n, nodes: n - 1, delayMs: [0.1, 1], ...calm })
    await stage.run(settleMs)
    const counter = new Counter(stage)
    // Place 1 orders writes, wherever one node orders them; 0 is the spawner, a member as others.
    for (const place of [1, 0]) {
      const expected = ({ here, elsewhere }: { here: number; elsewhere: number }): number =>
        place === 1 ? here : elsewhere
      const object = `o${place}`
      for (const row of strictRows()) {
        const asked = operationOf(row.name, object) as Operation
        t.equal(await counter.count(place, asked), expected(row), `strict ${row.name}`)
      }
      const stores = [
        ['lin-fast-read', linRows(n)],
        ['weak', weakRows(n)],
        ['weak-causal', weakRows(n)],
      ] as const
      for (const [store, rows] of stores) {
        for (const row of rows) {
          const asked: Operation = [store, operationOf(row.name, object)]
          t.equal(await counter.count(place, asked), expected(row), `${store} ${row.name}`)
        }
      }
      const uor = (operation: ReplicaOperation): Operation => ['update-on-release', operation]
      for (const row of releaseRows(n)) {
        const [asked, token] = await counter.ask(place, uor(['acquire', object]))
        t.equal(asked, place === 1 ? 0 : 2, 'acquire')
        const release = uor(['release', object, token, row.writes, row.ackAll, null])
        const what = `release of ${row.writes.length} writes, ackAll: ${row.ackAll}`
        t.equal(await counter.count(place, release), expected(row), what)
      }
      const init = uor(['init', `i${place}`, [['x', 1]]])
      t.equal(await counter.count(place, init), place === 1 ? n - 1 : n + 1, 'init')
      t.equal(await counter.count(place, init), place === 1 ? 0 : 2, 'init that writes nothing')
    }
    stage.close()
  })
}
