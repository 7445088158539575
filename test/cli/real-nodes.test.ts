/** `node`, `up`, `status` and `down` with real node processes, here and over ssh. */
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { NodeState } from '../../lib/cli/node-states.ts'
import { nodeProcessPath } from '../../lib/deploy/node-start.ts'
import { findProgram, startSshServer } from '../deploy/ssh-server.ts'
import { allGone, freePort, gone, isAlive, occupy } from '../deploy/stand-in.ts'
import { cleanEnvironment, type Finished, run, spawnBare } from '../run-node.ts'

const bin = fileURLToPath(new URL('../../../bin/goaway.js', import.meta.url))
const skip = !existsSync(nodeProcessPath) && 'there is no node process'

const home = t.testdir({ goaway: {}, ssh: {} })
const environment: NodeJS.ProcessEnv = { ...cleanEnvironment(), GOAWAY_HOME: join(home, 'goaway') }

function goaway(cwd: string, ...options: string[]): Promise<Finished> {
  return run(process.execPath, [bin, ...options], { cwd, env: environment })
}

/** A folder with a cluster file, which is there until the last node has been ended. */
function clusterFolder(content: string): string {
  const folder = mkdtempSync(join(home, 'cluster-'))
  writeFileSync(join(folder, 'cluster.yaml'), content)
  return folder
}

/** `goaway node`, and its lines one by one. */
function keepNode(t: Test, ...options: string[]) {
  const child = spawnBare(process.execPath, [bin, 'node', ...options], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  const lines = createInterface(child.stdout as NodeJS.ReadableStream)[Symbol.asyncIterator]()
  const line = async (): Promise<string> => (await lines.next()).value ?? 'it has ended'
  return { child, ended, line }
}

async function statesOf(cwd: string): Promise<NodeState[]> {
  return JSON.parse(
    (await goaway(cwd, 'status', '--json', '--timeout', '20000')).output,
  ) as NodeState[]
}

async function listens(t: Test, { line }: ReturnType<typeof keepNode>): Promise<string> {
  const text = await line()
  const address = /^goaway node one listens on (127\.0\.0\.1:\d+)$/.exec(text)?.[1]
  t.ok(address, text)
  return address as string
}

t.test('goaway node comes back after a crash, and ends by a signal', { skip }, async (t) => {
  const own = `:${await freePort()}`
  const node = keepNode(t, '--listen', own, '--name', 'one', '--threads', '2', '--label', 'big')
  const address = await listens(t, node)
  const cwd = clusterFolder(`nodes: ['${address}']`)
  const [first] = await statesOf(cwd)
  t.match(first, { status: { name: 'one', state: 'free', labels: ['big'] } })
  process.kill(first?.status?.pid as number, 'SIGKILL')
  t.equal(await node.line(), 'node process was killed by SIGKILL; starting another in 100 ms')
  t.equal(await listens(t, node), address)
  const [second] = await statesOf(cwd)
  t.not(second?.status?.pid, first?.status?.pid)
  node.child.kill('SIGINT')
  t.same(await node.ended, [0, null])
  t.notOk(isAlive(second?.status?.pid as number))
})

t.test('A node does not outlive its supervisor', { skip }, async (t) => {
  const node = keepNode(t, '--listen', '0', '--name', 'one')
  const address = await listens(t, node)
  const [state] = await statesOf(clusterFolder(`nodes: ['${address}']`))
  node.child.kill('SIGKILL')
  t.ok(await gone(state?.status?.pid as number))
})

t.test('goaway node --stdin refuses an input that no launcher writes', async (t) => {
  const { code, errors } = await goaway(home, 'node', '--listen', '0', '--stdin')
  t.equal(code, 1)
  t.match(errors, /^Cannot read credentials from standard input: .* use --secret-file\n$/)
})

t.test('goaway node says that its port is taken', { skip }, async (t) => {
  const { port, server } = await occupy()
  t.teardown(() => server.close())
  const { code, errors } = await goaway(home, 'node', '--listen', `${port}`)
  t.equal(code, 1)
  t.match(errors, /^Cannot start a node on .*, tried 3 times: .*EADDRINUSE.*the port is taken/)
  t.notMatch(errors, /^ +at /m)
})

t.test('goaway up starts nodes that stay, and down ends them', { skip }, async (t) => {
  const [one, two] = [await freePort(), await freePort()]
  const nodes = `[{ port: ${one}, name: one }, { port: ${two}, name: two, labels: [big] }]`
  const cwd = clusterFolder(`launch: local\nnodes: ${nodes}`)
  t.teardown(() => t.passing() || goaway(cwd, 'down'))
  const up = await goaway(cwd, 'up')
  t.equal(up.errors, '')
  t.equal(up.code, 0)
  t.match(up.output, new RegExp(`^one \\(127\\.0\\.0\\.1:${one}\\): started, pid \\d+, log `, 'm'))
  t.match(await statesOf(cwd), [{ status: { name: 'one' } }, { status: { labels: ['big'] } }])
  const down = await goaway(cwd, 'down')
  t.equal(down.code, 0)
  t.match(down.output, /^two .*: ended$/m)
  // Their supervisors hear of it a moment later.
  t.ok(await allGone(join(home, 'goaway')))
  const log = readFileSync(join(home, 'goaway', 'log', 'two.log'), 'utf8')
  t.match(log, /Z goaway node two listens on .*\n.*Z goaway node two has ended\n$/)
})

const sshd = findProgram('sshd')
const missing = [sshd, findProgram('ssh'), findProgram('ssh-keygen')].includes(undefined)
const skipSsh = skip || (missing && 'no sshd: install openssh-server and openssh-client')

t.test('goaway up starts nodes over ssh that stay', { skip: skipSsh }, async (t) => {
  const server = await startSshServer(join(home, 'ssh'), sshd as string)
  t.teardown(() => server.close())
  environment.GOAWAY_SSH = server.ssh
  const command = `GOAWAY_HOME='${environment.GOAWAY_HOME}' '${process.execPath}' '${bin}'`
  const node = { host: '127.0.0.1', port: await freePort(), name: 'far', command }
  const cwd = clusterFolder(JSON.stringify({ launch: 'ssh', nodes: [node] }))
  t.teardown(() => t.passing() || goaway(cwd, 'down'))
  const up = await goaway(cwd, 'up')
  t.equal(up.errors, '')
  t.match(up.output, /^far .*: started over ssh$/m)
  t.match(await statesOf(cwd), [{ reachable: true, status: { state: 'free' } }])
  t.match((await goaway(cwd, 'down')).output, /ended/)
  t.ok(await allGone(join(home, 'goaway')))
})
