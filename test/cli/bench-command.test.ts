/** `goaway bench` from outside: a few cells of the real matrix, refusals, and an end by Ctrl-C. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { BenchReport, Cell } from '../../lib/bench/report-data.ts'
import { progressTo } from '../../lib/cli/bench-progress.ts'
import { localCluster } from '../cluster/local-cluster.ts'
import { Stage } from '../cluster/stage.ts'
import { cleanEnvironment, type Finished, run } from '../run-node.ts'

const bin = fileURLToPath(new URL('../../../bin/goaway.js', import.meta.url))
const { folder, env, file } = localCluster(t, {})
const alone = { ...env, GOAWAY_CLUSTER: '' }

function bench(...options: readonly string[]): Promise<Finished> {
  const own = { ...cleanEnvironment(), ...alone }
  return run(process.execPath, [bin, 'bench', ...options], { cwd: folder, env: own })
}

const operations = ['write', 'section of 1 write', 'acquire and release']

t.test('Messages of an operation are those that its protocol has', async (t) => {
  const wanted = ['--operation', ...operations, '--output', join(folder, 'report')]
  // Nobody is lost for a pause, and what keeps nodes in the cluster is not counted with the rest.
  const times = { nodeTimeoutMs: 60_000, linkGraceMs: 20_000 }
  const nodes = [{ threads: 1 }, { threads: 1 }]
  const three = file('three.json', { launch: 'local', nodes, ...times })
  const options = ['--quick', '--nodes', '3', '--json', ...wanted]
  const { code, output, errors } = await bench(three, ...options)
  t.equal(code, 0, errors)
  const report = JSON.parse(output) as BenchReport
  t.same(JSON.parse(readFileSync(join(folder, 'report', 'report.json'), 'utf8')), report)
  t.ok(existsSync(join(folder, 'report', 'report.html')))
  // At the node that serves, and at another one; see docs/protocols, with n = 3.
  const messages: readonly (readonly [Cell['store'], number, number])[] = [
    ['StrictCentralized', 0, 2],
    ['LinFastRead', 6, 8],
    ['Weak', 2, 2],
    ['UpdateOnRelease', 2, 6],
    ['Lock', 0, 3],
  ]
  t.equal(report.cells.length, 2 * messages.length)
  for (const [store, here, elsewhere] of messages) {
    for (const [placement, count] of [
      ['other thread', here],
      ['other node', elsewhere],
    ] as const) {
      const cell = report.cells.find((one) => one.store === store && one.placement === placement)
      t.equal(Math.round(cell?.messages ?? -1), count, `${store}, ${placement}`)
      t.ok((cell?.bytes ?? 0) >= 20 * count, `${cell?.bytes} bytes`)
    }
  }
  for (const { p50, p99, perSecond, spread, limit } of report.cells) {
    t.ok(p50 > 0 && p99 >= p50 && perSecond > 0 && spread[0] <= spread[1])
    t.ok(report.limits.find(({ name }) => name === limit)?.p50, limit)
  }
  t.match(report.leftOut.join('\n'), /all operations but write, section of 1 write/)
  t.match(errors, /^ +0 % 3 nodes: starting\n/, 'progress is told where it is no terminal')
})

t.test('Alone there is no node to ask, and nothing is sent', async (t) => {
  const chosen = ['--store', 'Weak', '--operation', 'read', 'mix']
  const { code, output } = await bench('--quick', '--nodes', '1', ...chosen)
  t.equal(code, 0)
  t.match(output, /Weak +read +same thread +thread +own fields +1 /)
  t.match(output, /Weak +99\.9 % reads +other thread +thread +shared field +1 /)
  t.match(output, /alone +shared field +Weak/)
  t.notMatch(output, 'tcp')
})

t.test('What makes no sense is named, with what was given', async (t) => {
  const two = file('two.json', { launch: 'local', nodes: 2 })
  for (const [options, message] of [
    [['--store', 'Strong'], /"Strong".*StrictCentralized/s],
    [['--operation', 'dance'], /"dance".*write and sync/s],
    [['--nodes', 'many'], /--nodes has to be whole numbers from 1: 'many'/],
    [['--nodes', '0'], /--nodes has to be whole numbers from 1: '0'/],
    [[two, '--nodes', '4'], /--nodes has to be 3 at most.*: 4/],
    [['nowhere.yaml'], /Cannot read cluster file nowhere\.yaml/],
    [['--quickly'], /Unknown argument: quickly; see goaway bench --help/],
    [['--output'], /Not enough arguments following: output/],
    [['--store', 'Lock', '--operation', 'read'], /Lock; operations: read: there are no cells/],
  ] as const) {
    const { code, output, errors } = await bench(...options)
    t.equal(code, 2, options.join(' '))
    t.equal(output, '')
    t.match(errors, message)
    t.notMatch(errors, /^ +at /m, 'there is no stack')
  }
})

t.test('Ctrl-C ends it, and all that it has started', async (t) => {
  const stage = new Stage(t)
  // All cells: it is at work for long after its first words of them.
  const args = ['bench', '--nodes', '2', '--output', join(folder, 'none')]
  const program = stage.start(bin, args, { env: { GOAWAY_CLUSTER: '' }, limitMs: 200_000 })
  await program.printed('2 nodes: warm-up')
  t.ok(stage.processes().length > 1, 'a node runs')
  // As a terminal does: to the whole group, in which its nodes are not.
  program.kill('SIGINT')
  const { signal, timedOut, stdout } = await program.ended
  t.equal(timedOut, false)
  t.equal(signal, 'SIGINT')
  t.equal(stdout, '')
  t.equal(existsSync(join(folder, 'none')), false, 'no report of half a run')
  t.strictSame(await stage.settled(20_000), [], 'no process is left')
})

t.test('Progress is one line on a terminal, and a line for each part elsewhere', async (t) => {
  let now = 0
  const written: string[] = []
  const write = (text: string): void => void written.push(text)
  const line = progressTo({ isTTY: true, write }, () => now)
  line.progress({ done: 0, what: 'one process: starting' })
  line.progress({ done: 0.1, what: 'one process: warm-up' })
  now += 200
  line.progress({ done: 0.5, what: 'one process: round 1 of 5' })
  line.end()
  t.equal(written.length, 3, 'not more often than it can be read')
  t.equal(
    written[1],
    `\r\u001b[K${'█'.repeat(12)}${'░'.repeat(12)}  50 % one process: round 1 of 5`,
  )
  t.equal(written[2], '\r\u001b[K')
  written.length = 0
  const log = progressTo({ write }, () => now)
  for (const round of [1, 2, 3]) log.progress({ done: 0.5, what: `3 nodes: round ${round} of 5` })
  now += 20_000
  log.progress({ done: 0.6, what: '3 nodes: round 4 of 5' })
  log.progress({ done: 0.9, what: '3 nodes: messages' })
  log.end()
  t.same(written, [
    ' 50 % 3 nodes: round 1 of 5\n',
    ' 60 % 3 nodes: round 4 of 5\n',
    ' 90 % 3 nodes: messages\n',
  ])
})
