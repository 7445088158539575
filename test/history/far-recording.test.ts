/**
 * Nodes that somebody else has started record where they are, as on another machine; what they have
 * is fetched.
 */
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parseLine } from '../../lib/history/format.ts'
import { readHistory } from '../../lib/history/history-file.ts'
import { NodeRecording } from '../../lib/node/node-recording.ts'
import type { HistoryMessage } from '../../lib/wire/history-messages.ts'
import { localCluster } from '../cluster/local-cluster.ts'
import { cleanEnvironment, spawnBare } from '../run-node.ts'
import { programFile, startProgram } from '../run-program.ts'
import { checkHistory } from './history-facts.ts'

const bin = fileURLToPath(new URL('../../../bin/goaway.js', import.meta.url))

t.test('What a node of another machine recorded is fetched when the program ends', async (t) => {
  const { env, file, folder } = localCluster(t, {})
  const home = join(folder, 'home')
  const node = spawnBare(process.execPath, [bin, 'node', '--listen', '127.0.0.1:0'], {
    env: { ...cleanEnvironment(), GOAWAY_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => node.kill('SIGKILL'))
  let said = ''
  while (!said.includes('\n'))
    said += String((await once(node.stdout as NodeJS.EventEmitter, 'data'))[0])
  const [, port] = /127\.0\.0\.1:(\d+)/.exec(said) ?? []
  const GOAWAY_CLUSTER = file('far.json', {
    nodes: [`127.0.0.1:${port}`],
    threads: 0,
    // Nobody is taken for lost because the machine is busy.
    nodeTimeoutMs: 30_000,
    history: 'far.jsonl',
  })
  const program = startProgram('recording', {
    args: ['work', 'none'],
    env: { ...env, GOAWAY_CLUSTER },
  })
  const { code, stderr } = await program.ended
  t.equal(stderr, '')
  t.equal(code, 0)
  const history = readHistory(join(folder, 'far.jsonl'))
  checkHistory(t, history)
  t.ok(history.length > 170)
  t.notOk(readdirSync(folder).some((name) => name.includes('.part-')))
  t.strictSame(readdirSync(join(home, 'history')), [], 'it keeps nothing')
})

t.test(
  'A node whose clock is another compares it, and one whose clock is not does not',
  async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'goaway-recording-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const sent: HistoryMessage[] = []
    const member = { place: 3, name: 'far:1', index: 1, host: '', port: 1, labels: [], threads: 1 }
    const recording = new NodeRecording({
      claim: { file: null, origin: '0', machine: 'another' },
      application: 'app',
      member: { ...member, incarnation: '' },
      directory,
      send: (message) => sent.push(message),
    })
    recording.begin()
    t.teardown(() => recording.end())
    t.equal(recording.part, '3-far_1')
    const [question, asked] = sent[0] as [string, number]
    t.equal(question, 'clock?')
    recording.received(['clock', asked, asked + 1_000_000_000])
    const line = parseLine(readFileSync(recording.target.file, 'utf8').trim(), 1)
    if (!('clock' in line)) throw new Error('no clock')
    t.equal(line.high, 1_000_000_000)
    t.ok(line.low < line.high && line.clock === asked + line.high - line.low)
    recording.received(['parts?'])
    t.strictSame(sent.at(-1), ['parts', ['3-far_1']])
    recording.received(['fetch', '3-far_1', 0])
    const [, bytes] = sent.at(-1) as [string, Uint8Array]
    t.equal(Buffer.from(bytes).toString(), readFileSync(recording.target.file, 'utf8'))
    recording.received(['fetch', '3-far_1', bytes.length])
    t.strictSame(sent.at(-1), ['piece', new Uint8Array()])
    recording.received(['fetch', '../secret', 0])
    t.strictSame(sent.at(-1), ['piece', new Uint8Array()])
    recording.received(['fetched'])
    t.strictSame(readdirSync(directory), [])
    t.strictSame(sent.at(-1), ['parts', []])
  },
)

t.test('goaway run --history names the file to record in', async (t) => {
  const folder = t.testdir({})
  const file = join(folder, 'run.jsonl')
  const command = [bin, 'run', '--history', file, programFile('recording'), 'shutdown', 'none']
  const run = spawnBare(process.execPath, command, {
    env: { ...cleanEnvironment(), GOAWAY_THREADS: '2' },
    stdio: 'ignore',
  })
  await once(run, 'exit')
  t.equal(run.exitCode, 0)
  checkHistory(t, readHistory(file))
})
