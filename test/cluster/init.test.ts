/** What init() answers when there is no cluster to be had, and that it can be called again. */
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { type GoawayError, goaway, init, StrictCentralized, shutdown } from 'goaway'
import t, { type Test } from 'tap'
import { square } from '../../examples/arithmetic.ts'
import { NodeChild } from '../../lib/deploy/node-child.ts'
import type { NodeReport, NodeStart } from '../../lib/deploy/node-start.ts'
import { startTimeoutMsDefault } from '../../lib/limits.ts'
import { listen } from '../../lib/transport/tcp.ts'
import { allRemote, localCluster, patience } from './local-cluster.ts'

const { folder, env, file } = localCluster(t, {})
Object.assign(process.env, { ...env, GOAWAY_CLUSTER: '' })
t.teardown(() => shutdown())

const secret = Buffer.from('a secret of more than sixteen bytes')
const secretFile = file('secret', secret.toString())

async function failureOf(config: Parameters<typeof init>[0]): Promise<GoawayError> {
  try {
    await init(config)
  } catch (error) {
    return error as GoawayError
  }
  await shutdown()
  throw new Error('init() did not fail')
}

/** A port that nobody listens on, nor can: a connection has it. One that is free others may get. */
async function takenPort(t: Test): Promise<number> {
  const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connection = connect(port, '127.0.0.1')
  t.teardown(() => {
    connection.destroy()
    server.close()
  })
  await once(connection, 'connect')
  return connection.localPort as number
}

/** A port whose node is of another version of the library. */
async function newerNode(t: Test): Promise<number> {
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    credentials: { kind: 'secret', secret },
    hello: () => ({
      protocol: 1,
      version: '99.0.0',
      runtime: process.version,
      purpose: 'peer',
      application: '',
      name: 'newer',
      place: -1,
      incarnation: 'newer',
    }),
    graceMs: () => 100,
    admit: () => undefined,
    linked: (_, end) => end.open({ received() {}, closed() {} }).close(),
    warn: () => {},
  })
  t.teardown(() => listener.close())
  return listener.port
}

async function startNode(key: Uint8Array): Promise<{ port: number; child: NodeChild }> {
  const start: NodeStart = {
    listen: { host: '127.0.0.1', port: 0 },
    credentials: { kind: 'secret', secret: key },
    labels: [],
    storeDirectory: join(folder, 'store'),
  }
  const child = new NodeChild(start, { reported: (_report: NodeReport) => {} })
  const { port } = await child.listening
  return { port, child }
}

t.test('A cluster file that is missing, or wrong, is named', async (t) => {
  const missing = await failureOf(join(folder, 'nowhere.yaml'))
  t.match(missing, { code: 'ERR_GOAWAY_CONFIG', message: /nowhere\.yaml/ })
  const bad = await failureOf(file('bad.yaml', 'nodes: [a\nlaunch: }'))
  t.match(bad, { code: 'ERR_GOAWAY_CONFIG', message: /bad\.yaml/ })
  const unknown = await failureOf(file('unknown.yaml', 'nodes: 2\nnods: 3\n'))
  t.match(unknown, { code: 'ERR_GOAWAY_CONFIG', message: /nods/ })
  const short = await failureOf({ nodes: ['127.0.0.1'], secretFile: file('short', 'short') })
  t.match(short, { code: 'ERR_GOAWAY_SECRET', message: /short/ })
})

t.test('A node that nobody listens for is named with its address, in startTimeoutMs', async (t) => {
  const port = await takenPort(t)
  const started = performance.now()
  const nodes = [{ host: '127.0.0.1', port, name: 'absent' }]
  const error = await failureOf({ nodes, secretFile, startTimeoutMs: 500 })
  t.equal(error.code, 'ERR_GOAWAY_NODE_UNREACHABLE')
  t.match(error.message, `127.0.0.1:${port}`)
  t.match(error.message, 'absent')
  t.ok(performance.now() - started < startTimeoutMsDefault)
})

t.test('A node of another secret refuses, and both are told of it', async (t) => {
  const { port, child } = await startNode(Buffer.from('another secret, as long as it has to be'))
  t.teardown(() => child.stop(5_000))
  const error = await failureOf({ nodes: [{ host: '127.0.0.1', port, name: 'other' }], secretFile })
  t.match(error, { code: 'ERR_GOAWAY_SECRET', message: /other/ })
})

t.test('A node of another version of the library refuses', async (t) => {
  const nodes = [{ host: '127.0.0.1', port: await newerNode(t), name: 'newer' }]
  const error = await failureOf({ nodes, secretFile })
  t.match(error, { code: 'ERR_GOAWAY_VERSION', message: /99\.0\.0/ })
})

t.test(
  'When one node of several fails, the others are let go, and init() works anew',
  async (t) => {
    const port = await newerNode(t)
    const { port: there, child } = await startNode(secret)
    const nodes = [
      { host: '127.0.0.1', port: there, name: 'there' },
      { host: '127.0.0.1', port, name: 'newer' },
    ]
    const error = await failureOf({ nodes, secretFile, ...patience })
    t.match(error, { code: 'ERR_GOAWAY_VERSION', message: /newer/ })
    t.equal((await child.exited).code, 0, 'its application is over')
    const again = await init({ ...allRemote, nodes: 1 })
    t.equal(await goaway(square, 7), 49)
    await again.shutdown()
  },
)

t.test(
  'What is called after an init() that failed starts the threads of this process',
  async (t) => {
    await failureOf(join(folder, 'nowhere.yaml'))
    t.equal(await goaway(square, 3), 9)
    await StrictCentralized<{ x: number }>('after').set('x', 1)
    await shutdown()
  },
)

t.test('Modules may be named by their paths, in a cluster too', async (t) => {
  const named = join(folder, 'named.mjs')
  writeFileSync(named, 'export function nameless() { return 5 }\n')
  await init({ ...allRemote, nodes: 1, modules: [named] })
  const { nameless } = await import(named)
  t.equal(await goaway.with({ on: 'node-1' })(nameless), 5)
  await shutdown()
})

t.test('Code that does not bundle fails init() and names the file', async (t) => {
  const own = join(folder, 'broken')
  mkdirSync(own)
  const broken = join(own, 'broken.ts')
  writeFileSync(broken, 'export const x = ]\n')
  const error = await failureOf({ ...allRemote, nodes: 1, modules: [broken] })
  t.match(error.message, /broken\.ts/)
  t.match(error.code, /^ERR_GOAWAY_(BUNDLE|MODULE_LOAD)$/)
})
