/** `status`, `top`, `up` and `down`, with nodes that answer and nodes that do not. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { NodeState } from '../../lib/cli/node-states.ts'
import { bytesText, durationText } from '../../lib/cli/node-table.ts'
import { freePort } from '../deploy/stand-in.ts'
import { cleanEnvironment, type Finished, run, spawnBare } from '../run-node.ts'
import { type AnsweringNode, answeringNode, busy, secret } from './answering-node.ts'

const bin = fileURLToPath(new URL('../../../bin/goaway.js', import.meta.url))

function goaway(t: Test, options: readonly string[], file?: string): Promise<Finished> {
  return goawayIn(folderOf(t, file), options)
}

function folderOf(t: Test, file?: string): string {
  return t.testdir({ home: {}, ...(file === undefined ? {} : { 'cluster.yaml': file }) })
}

function goawayIn(cwd: string, options: readonly string[]): Promise<Finished> {
  const env = { ...cleanEnvironment(), GOAWAY_SECRET: secret, GOAWAY_HOME: join(cwd, 'home') }
  return run(process.execPath, [bin, ...options], { cwd, env })
}

async function statusNode(t: Test): Promise<AnsweringNode> {
  const node = await answeringNode(({ purpose }) =>
    purpose === 'status' ? ['status', busy] : ['bye'],
  )
  t.teardown(() => node.close())
  return node
}

/** For nodes that answer, however busy the machine is. */
const patient = ['--timeout', '20000']

const file = (...ports: number[]): string =>
  ['nodes:', ...ports.map((port) => `  - 127.0.0.1:${port}`), ''].join('\n')

t.test('goaway status shows every node, and exits with 0 when all answer', async (t) => {
  const { port, asked } = await statusNode(t)
  const { code, output, errors } = await goaway(t, ['status', ...patient], file(port))
  t.equal(errors, '')
  t.equal(code, 0)
  const [head, row] = output.split('\n') as [string, string]
  t.match(head, /^NAME +ADDRESS +STATE +APPLICATION +SINCE +THREADS .* MEMORY +VERSION$/)
  t.match(row, /127\.0\.0\.1:\d+ +busy +sums\.ts by me\?\[2J at home, on the .*… +1 h 2 min +8 +7 /)
  t.match(row, /12345 +99 +3 +2 +1\.5 GiB +\d+\.\d+\.\d+$/)
  t.match(asked, [{ purpose: 'status', place: -1, name: /^goaway status of .+@.+$/ }])
})

t.test('goaway status says which node does not answer, and exits with 1', async (t) => {
  const { port } = await statusNode(t)
  const dead = await freePort()
  // One answers within the time for certain; the other one is tried for as long.
  const options = ['status', '--timeout', '6000']
  const folder = folderOf(t, file(port, dead))
  const [shown, { code, output }] = (await Promise.all(
    [options, [...options, '--json']].map((all) => goawayIn(folder, all)),
  )) as [Finished, Finished]
  t.equal(shown.code, 1)
  t.match(shown.output, new RegExp(`127\\.0\\.0\\.1:${dead} +unreachable\n`))
  t.match(shown.output, new RegExp(`Cannot connect to node .*:${dead}.*ECONNREFUSED`))
  t.equal(code, 1)
  const states = JSON.parse(output) as NodeState[]
  t.same(states[0], {
    name: `127.0.0.1:${port}`,
    host: '127.0.0.1',
    port,
    reachable: true,
    status: busy,
  })
  t.match(states[1], { reachable: false, error: { code: 'ERR_GOAWAY_NODE_UNREACHABLE' } })
})

t.test('goaway status with another secret says so', async (t) => {
  const { port } = await statusNode(t)
  const cwd = t.testdir({ 'cluster.yaml': file(port) })
  const env = { ...cleanEnvironment(), GOAWAY_SECRET: 'another secret, long enough too' }
  const { code, output } = await run(process.execPath, [bin, 'status', ...patient], { cwd, env })
  t.equal(code, 1)
  t.match(output, /the secrets differ/)
})

t.test('goaway status tells of a node that lets us in and says nothing', async (t) => {
  const node = await answeringNode(() => undefined)
  t.teardown(() => node.close())
  const { code, output } = await goaway(t, ['status', ...patient], file(node.port))
  t.equal(code, 1)
  t.match(output, /took the connection and gave no answer/)
})

t.test('goaway top looks as often as it is told, and prints lines of JSON', async (t) => {
  const { port } = await statusNode(t)
  const options = ['top', '--count', '2', '--interval', '0.2']
  const shown = await goaway(t, options, file(port))
  t.equal(shown.code, 0)
  t.equal(shown.output.match(/^NAME/gm)?.length, 2)
  const { output, code } = await goaway(t, [...options, '--json'], file(port))
  t.equal(code, 0)
  const lines = output.trim().split('\n')
  t.equal(lines.length, 2)
  for (const line of lines) t.match(JSON.parse(line), { nodes: [{ name: `127.0.0.1:${port}` }] })
})

t.test('goaway top shows what nodes answer until it is interrupted', async (t) => {
  const { port } = await statusNode(t)
  const cwd = folderOf(t, file(port))
  for (const [options, answer] of [
    [[], / busy /g],
    [['--json'], /^\{"at":.*"nodes":\[\{.*"reachable":true/gm],
  ] as const) {
    const child = spawnBare(process.execPath, [bin, 'top', ...options], {
      cwd,
      env: { ...cleanEnvironment(), GOAWAY_SECRET: secret },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    let output = ''
    let isEnough = false
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      // On a busy machine a look may come too late for an answer: the next one is another.
      if (isEnough || (output.match(answer)?.length ?? 0) < 2) return
      isEnough = true
      child.kill('SIGINT')
    })
    t.same(await once(child, 'exit'), [0, null])
  }
})

t.test('goaway down ends nodes, and leaves alone those that do not run', async (t) => {
  const { port, asked } = await statusNode(t)
  const dead = await freePort()
  const { code, output, errors } = await goaway(t, ['down'], file(port, dead))
  t.equal(errors, '')
  t.equal(code, 0)
  t.same(
    output.trim().split('\n').sort(),
    [`127.0.0.1:${dead}: does not run`, `127.0.0.1:${port}: ended`].sort(),
  )
  t.match(asked, [{ purpose: 'stop' }])
})

t.test('goaway up leaves alone a node that runs', async (t) => {
  const { port } = await statusNode(t)
  const { code, output } = await goaway(t, ['up'], `launch: local\n${file(port)}`)
  t.equal(code, 0)
  t.equal(output, `node-1 (127.0.0.1:${port}): runs already, and is busy\n`)
})

t.test('goaway up and down wait for a node that takes its time to answer', async (t) => {
  const { port: behind, asked } = await statusNode(t)
  const server = createServer((socket) => {
    socket.on('error', () => {})
    // It has been asked to end, and somebody looks whether it has.
    if (asked.length === 2) server.close()
    // Longer than they look for a node that is not there.
    setTimeout(() => {
      if (socket.destroyed) return
      const node = connect(behind, '127.0.0.1', () => socket.pipe(node).pipe(socket))
      node.on('error', () => socket.destroy())
    }, 2_500)
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const up = await goaway(t, ['up'], `launch: local\n${file(port)}`)
  t.equal(up.output, `node-1 (127.0.0.1:${port}): runs already, and is busy\n`, up.errors)
  const down = await goaway(t, ['down'], file(port))
  t.equal(down.output, `127.0.0.1:${port}: ended\n`, down.errors)
  t.match(asked, [{ purpose: 'status' }, { purpose: 'stop' }])
})

t.test('Commands of a cluster tell what they cannot do', async (t) => {
  const cases: [string[], string | undefined, number, RegExp][] = [
    [['status'], undefined, 2, /^Cannot read cluster file cluster\.yaml: there is no such file/],
    [['status', 'other.yaml'], '', 2, /^Cannot read cluster file other\.yaml/],
    [['status'], 'nodes: 3', 2, /^Cannot find node node-1 of cluster\.yaml: it has no port/],
    [['up'], 'nodes: 3', 2, /list the nodes, each with a port/],
    [['up'], file(9060), 2, /^Cannot start the nodes of cluster\.yaml: launch: none says/],
    [['top', '--interval', '0'], file(9060), 2, /--interval and --count have to be more than 0/],
    [['down', '--now'], file(9060), 2, /Unknown argument: now; see goaway down --help/],
  ]
  for (const [options, content, expected, message] of cases) {
    const { code, output, errors } = await goaway(t, options, content)
    t.equal(code, expected, options.join(' '))
    t.equal(output, '')
    t.match(errors, message)
    t.notMatch(errors, /^ +at /m, 'there is no stack')
  }
})

t.test('Every command has help with exit codes', async (t) => {
  for (const command of ['run', 'node', 'up', 'down', 'status', 'top', 'bench']) {
    const { code, output } = await goaway(t, [command, '--help'])
    t.equal(code, 0)
    t.match(output, /Examples:/, command)
    t.match(output, /Exit codes: /, command)
  }
})

t.test('Durations and sizes are written for people', async (t) => {
  t.same([0, 999, 61_000, 3_600_000, 90_061_000].map(durationText), [
    '0 s',
    '0 s',
    '1 min 1 s',
    '1 h',
    '1 d 1 h',
  ])
  t.same([0, 2 ** 20, 2 ** 30].map(bytesText), ['0 MiB', '1 MiB', '1.0 GiB'])
})
