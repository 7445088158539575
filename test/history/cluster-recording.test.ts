import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseLine } from '../../lib/history/format.ts'
import { readHistory } from '../../lib/history/history-file.ts'
import { localCluster } from '../cluster/local-cluster.ts'
import { allGone } from '../deploy/stand-in.ts'
import { type ProgramOptions, startProgram } from '../run-program.ts'
import { checkHistory } from './history-facts.ts'

t.jobs = 2

function startRecorded(t: Test, what: string): ReturnType<typeof startIn> {
  const { folder, env } = localCluster(t, {})
  return startIn(folder, { args: [what, join(folder, 'h.jsonl'), '3'], env: home(env) })
}

/** Nobody is taken for lost because the machine is busy. */
const patient = { threads: 0, nodeTimeoutMs: 30_000 }

function startIn(folder: string, options: ProgramOptions) {
  return { file: join(folder, 'h.jsonl'), program: startProgram('recording', options) }
}

/** Without the cluster file, for a program that brings its own. */
function home({ GOAWAY_HOME = '' }: Readonly<Record<string, string>>): Record<string, string> {
  return { GOAWAY_HOME }
}

t.test('A program on three nodes leaves one history with all they did', async (t) => {
  const { file, program } = startRecorded(t, 'work')
  const { code, stderr, leftBehind } = await program.ended
  t.equal(stderr, '')
  t.equal(code, 0)
  t.equal(leftBehind, false)
  t.notOk(readdirSync(join(file, '..')).some((name) => name.includes('.part-')))
  const history = readHistory(file)
  checkHistory(t, history)
  t.ok(history.length > 170)
  t.ok(new Set(history.map(({ client }) => client)).size >= 6)
  t.strictSame(
    history.filter(({ end }) => end < 0),
    [],
    'all was answered',
  )
})

t.test('A node that is killed leaves its open operations in the history', async (t) => {
  const { file, program } = startRecorded(t, 'lose a node')
  const [pid] = await program.after('pid ')
  process.kill(Number(pid), 'SIGKILL')
  const { code, stderr } = await program.ended
  t.equal(code, 0, stderr)
  const history = readHistory(file)
  checkHistory(t, history)
  t.ok(history.length > 100)
  t.notMatch(readFileSync(file, 'utf8'), /"done"/, 'it is finished')
})

t.test('A program that is killed on a cluster leaves parts that make one history', async (t) => {
  const { file, program } = startRecorded(t, 'forever')
  await program.printed('working')
  program.kill('SIGKILL')
  await program.ended
  // Its nodes work on until they notice, and what one has written belongs to what others have.
  t.ok(await allGone(join(file, '..', 'home')), 'its nodes have ended')
  const history = readHistory(file)
  checkHistory(t, history)
  t.ok(history.length > 100)
  await t.test('and says nothing if one of them is missing', async (t) => {
    appendFileSync(file, '{"part":"9-far","where":"10.0.0.9:9060, /there/9-far"}\n')
    t.throws(() => readHistory(file), {
      code: 'ERR_GOAWAY_HISTORY',
      message:
        /9-far is missing.* at 10.0.0.9:9060, \/there\/9-far: copy it to .*h\.jsonl\.part-9-far/,
    })
    writeFileSync(`${file}.part-9-far`, '')
    t.equal(readHistory(file).length, history.length)
  })
})

t.test('A cluster file may name the file to record in, beside itself', async (t) => {
  const { env, file } = localCluster(t, {})
  const cases: [string, object | string][] = [
    ['a.json', { nodes: 1, ...patient, history: 'a.jsonl' }],
    ['b.yaml', "nodes: 1\nthreads: 0\nnodeTimeoutMs: 30000\nhistory: 'b.jsonl' # here\n"],
  ]
  for (const [name, content] of cases) {
    const GOAWAY_CLUSTER = file(name, content)
    const options = { args: ['shutdown', 'none'], env: { ...env, GOAWAY_CLUSTER } }
    const { stdout, stderr } = await startProgram('recording', options).ended
    t.equal(stderr, '')
    t.equal(stdout, 'over\n')
    const recorded = GOAWAY_CLUSTER.replace(/\.\w+$/, '.jsonl')
    t.ok(existsSync(recorded))
    const lines = readFileSync(recorded, 'utf8').trimEnd().split('\n')
    t.ok(lines.map(parseLine).length > 5)
  }
})

t.test('A cluster file whose history is not plain to see is refused', async (t) => {
  const { env, file } = localCluster(t, {})
  const GOAWAY_CLUSTER = file('c.yaml', '{nodes: 1, history: c.jsonl}\n')
  const options = { args: ['shutdown', 'none'], env: { ...env, GOAWAY_CLUSTER } }
  const { code, stderr } = await startProgram('recording', options).ended
  t.equal(code, 1)
  t.match(stderr, /its history has to stand in a line of its own, as in "history: run.jsonl"/)
})
