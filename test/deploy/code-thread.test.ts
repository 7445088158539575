/** Threads of the pool with a bundle, as a node has them. */
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { errorOf } from '../../lib/client/error-codec.ts'
import { packPayload, unpackPayload } from '../../lib/client/payload.ts'
import type { Outcome } from '../../lib/executor/contract.ts'
import { Pool } from '../../lib/executor/pool.ts'
import { ThreadExecutor } from '../../lib/executor/thread-executor.ts'
import type { ThreadHost } from '../../lib/executor/thread-host.ts'
import { defaultTerms } from '../../lib/handles/routine-options.ts'
import { Hub } from '../../lib/hub/hub.ts'
import { createHubWords } from '../../lib/wire/shared-words.ts'
import { nested } from './applications.ts'
import { deploy } from './run-bundle.ts'

/** A hub in this thread, with one thread; `settled` gives how routine 1, 2 and so on ended. */
class Stand {
  readonly hub: Hub
  readonly clients: number[] = []
  readonly #settled = new Map<number, (outcome: Outcome) => void>()
  #next = 1

  constructor(code: string | undefined) {
    const hubWords = createHubWords()
    const env = { ...process.env } as Record<string, string>
    const pool = new Pool({
      threadsCeiling: 8,
      env,
      execArgv: [],
      argv: [],
      resourceLimits: undefined,
    })
    const options = { threads: 1, threadsMax: 4, threadsCeiling: 8, window: 8 }
    this.hub = new Hub({
      node: 'local',
      words: hubWords,
      firstClient: 0,
      executor: (host, report) => {
        Object.defineProperty(host, 'code', { value: code, configurable: true })
        const listened = this.#listen(host)
        const own: typeof report = {
          started: report.started.bind(report),
          value: report.value.bind(report),
          settled: (routine, outcome) => {
            const settle = this.#settled.get(routine)
            if (settle === undefined) report.settled(routine, outcome)
            else settle(outcome)
          },
        }
        return new ThreadExecutor({ ...options, node: 'local', pool, hubWords }, listened, own)
      },
    })
  }

  /** Learns which clients are threads. */
  #listen(host: ThreadHost): ThreadHost {
    const attach = host.attach.bind(host)
    host.attach = (client, ...rest) => {
      this.clients.push(client)
      attach(client, ...rest)
    }
    return host
  }

  async run(module: string, name: string, ...args: unknown[]): Promise<unknown> {
    const routine = this.#next++
    const address = {
      key: `${module}#${name}`,
      module,
      name,
      exportName: name,
      line: -1,
      column: -1,
      fingerprint: '',
      kind: 'function',
    } as const
    const settled = new Promise<Outcome>((resolve) => this.#settled.set(routine, resolve))
    const payload = packPayload(args, 'argument')
    this.hub.executor.submit({ routine, owner: 0, address, payload, terms: defaultTerms })
    this.hub.turn()
    const outcome = await settled
    return outcome.ok ? unpackPayload(outcome.payload) : errorOf(outcome.error)
  }
}

t.test('Threads of a node', async (t) => {
  const folder = realpathSync(t.testdir({ app: nested, store: {} }))
  const app = join(folder, 'app')
  const { folder: code } = await deploy(app, join(folder, 'store'))
  const url = (name: string): string => pathToFileURL(join(app, name)).href

  t.test('begin with the bundle, and routines start routines', async (t) => {
    const stand = new Stand(code)
    t.teardown(() => stand.hub.close(0))
    t.same(await stand.run(url('main.ts'), 'parent', 2), { sum: 3, spawner: false })
    const error = (await stand.run(url('main.ts'), 'parent', -1)) as { stack?: string }
    t.match(error, { message: 'negative' })
    t.match(error.stack, `${join(app, 'child.ts')}:7:`)
    t.match(await stand.run(url('forgetful.ts'), 'forgetful'), { code: 'ERR_GOAWAY_NOT_SPAWNER' })
    t.match(await stand.run(url('none.ts'), 'none'), { code: 'ERR_GOAWAY_MODULE_LOAD' })
    const missing = await stand.run(url('child.ts'), 'none')
    t.match(missing, { code: 'ERR_GOAWAY_FUNCTION_NOT_EXPORTED' })
  })

  t.test('that are open already are told of it', async (t) => {
    const stand = new Stand(undefined)
    t.teardown(() => stand.hub.close(0))
    const missing = await stand.run(pathToFileURL(join(app, 'none.ts')).href, 'none')
    t.match(missing, { code: 'ERR_GOAWAY_MODULE_LOAD' })
    t.equal(stand.clients.length, 1)
    stand.hub.send(stand.clients[0] as number, ['code', code])
    t.same(await stand.run(url('child.ts'), 'child', 1, false), { sum: 2, spawner: false })
  })

  t.test('without a bundle take an address that has no fingerprint', async (t) => {
    const stand = new Stand(undefined)
    t.teardown(() => stand.hub.close(0))
    const module = new URL('../executor/routines.js', import.meta.url).href
    t.equal(await stand.run(module, 'double', 4), 8)
  })
})
