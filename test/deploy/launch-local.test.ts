import { once } from 'node:events'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { NodeConfig } from '../../lib/deploy/cluster-config.ts'
import { type LaunchLocalOptions, launchLocal } from '../../lib/deploy/launch-local.ts'
import { launchNode } from '../../lib/deploy/launch-node.ts'
import type { NodeStart } from '../../lib/deploy/node-start.ts'
import { localStopMs } from '../../lib/limits.ts'
import { cleanEnvironment, run, spawnBare } from '../run-node.ts'
import { gone, holdTimers, isAlive, occupy, standIn, startOf, visit } from './stand-in.ts'

// Nodes do not keep the program alive that has started them, and this one waits for their ends.
const alive = setInterval(() => {}, 1_000)
t.teardown(() => clearInterval(alive))

const program = fileURLToPath(new URL('launch-local-program.js', import.meta.url))

function node(more: Partial<NodeConfig> = {}): NodeConfig {
  return { index: 1, name: 'node-1', host: '127.0.0.1', port: 0, labels: [], ...more }
}

function options(folder: string, more: Partial<LaunchLocalOptions> = {}): LaunchLocalOptions {
  const { credentials } = startOf(folder)
  return { credentials, storeDirectory: folder, startTimeoutMs: 30_000, program: standIn, ...more }
}

t.test('launchLocal() starts a node process and ends it', async (t) => {
  const config = node({ threads: 3, labels: ['big'] })
  const launched = await launchLocal(config, options(t.testdir()))
  t.equal(launched.incarnation, `life-${launched.pid}`)
  const { seen } = await visit(launched.port)
  t.match(seen.start as NodeStart, { name: 'node-1', threads: 3, labels: ['big'] })
  // However long it takes, it is not killed.
  holdTimers(t)
  await launched.stop()
  t.notOk(isAlive(launched.pid))
  t.equal(await launched.exited, 'was killed by SIGTERM')
  await launched.stop()
})

t.test('launchLocal() tells of a node that ends by itself', async (t) => {
  const launched = await launchLocal(node(), options(t.testdir()))
  await (await visit(launched.port)).order('exit 5')
  t.equal(await launched.exited, 'ended with exit code 5')
})

t.test('stop() kills a node that does not end', async (t) => {
  const launched = await launchLocal(node({ labels: ['deaf'] }), options(t.testdir()))
  const pass = holdTimers(t)
  const stopped = launched.stop()
  await visit(launched.port)
  t.ok(isAlive(launched.pid))
  t.equal(pass(localStopMs), 1)
  await stopped
  t.equal(await launched.exited, 'was killed by SIGKILL')
})

t.test('launchLocal() rejects with the reason of the node', async (t) => {
  const { port, server } = await occupy()
  t.teardown(() => server.close())
  await t.rejects(launchLocal(node({ port }), options(t.testdir())), {
    code: 'ERR_GOAWAY_LAUNCH',
    message: /EADDRINUSE/,
  })
  const exits = node({ labels: ['exits'] })
  await t.rejects(launchLocal(exits, options(t.testdir())), {
    message: 'Cannot start a node: its process ended with exit code 4 before it listened',
  })
})

t.test('launchLocal() gives up on a node that does not listen, and leaves none', async (t) => {
  const mute = node({ labels: ['mute'] })
  await t.rejects(launchLocal(mute, options(t.testdir(), { startTimeoutMs: 300 })), {
    code: 'ERR_GOAWAY_LAUNCH',
    message: 'Cannot start node node-1: it did not listen within startTimeoutMs: 300',
  })
  const aborter = new AbortController()
  const launching = launchLocal(mute, options(t.testdir(), { signal: aborter.signal }))
  aborter.abort()
  await t.rejects(launching, { code: 'ERR_GOAWAY_LAUNCH', message: /SIGKILL/ })
})

t.test('launchNode() starts only what has to be started', async (t) => {
  const folder = t.testdir()
  const { port, server } = await occupy()
  t.teardown(() => server.close())
  t.equal(await launchNode('none', node(), options(folder)), undefined)
  t.equal(await launchNode('local', node({ port }), options(folder)), undefined)
  t.equal(await launchNode('ssh', node({ port }), options(folder)), undefined)
  const launched = await launchNode('local', node(), options(folder))
  t.equal(launched?.isChild, true)
  await launched?.stop()
})

t.test('Nodes that a thread started do not keep the program alive, and end with it', async (t) => {
  const { code, output, errors } = await run(process.execPath, [program, t.testdir(), 'return'])
  t.equal(errors, '')
  t.equal(code, 0)
  const nodes = JSON.parse(output) as { pid: number }[]
  t.equal(nodes.length, 2)
  for (const { pid } of nodes) t.ok(await gone(pid), 'is gone')
})

t.test('Nodes end with a blocked program that is killed', async (t) => {
  const folder = t.testdir()
  const child = spawnBare(process.execPath, [program, folder, 'block'], {
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [text] = await once(child.stdout as NodeJS.ReadableStream, 'data')
  const nodes = JSON.parse(String(text)) as { pid: number; port: number }[]
  for (const { pid, port } of nodes) {
    t.ok(isAlive(pid))
    await visit(port)
  }
  child.kill('SIGKILL')
  for (const { pid } of nodes) t.ok(await gone(pid), 'is gone')
})
