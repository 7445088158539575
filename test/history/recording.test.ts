import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readHistory } from '../../lib/history/history-file.ts'
import { runProgram, startProgram } from '../run-program.ts'
import { checkHistory } from './history-facts.ts'

const folder = mkdtempSync(join(tmpdir(), 'goaway-history-'))
t.teardown(() => rmSync(folder, { recursive: true }))

t.test('A program with four threads leaves a history with all it did', async (t) => {
  const file = join(folder, 'local.jsonl')
  const { code, stderr, leftBehind } = await runProgram('recording', 'work', file)
  t.equal(stderr, '')
  t.equal(code, 0)
  t.equal(leftBehind, false)
  const history = readHistory(file)
  checkHistory(t, history)
  t.notMatch(readFileSync(file, 'utf8'), /"id"|"done"/, 'it is finished')
  t.ok(history.filter(({ op }) => op !== 'init').length > 170)
  t.strictSame(
    history.filter(({ end }) => end < 0),
    [],
    'all was answered',
  )
  const names = new Set(history.map(({ op }) => op))
  t.equal(names.size, 8, 'every kind of operation is there')
  const inits = history.filter(({ op }) => op === 'init')
  t.strictSame(inits.map(({ key, arg }) => [key, arg]).sort(), [
    ['recorded\\.object.a.b', 'begin'],
    ['recorded\\.object.list', []],
    ['recorded\\.object.x', 0],
    ['recorded\\.object.y', 1],
    ['started.count', 0],
  ])
  const acquired = history.filter(({ op }) => op === 'acquire').map(({ out }) => out)
  const released = history.filter(({ op }) => op === 'release').map(({ arg }) => arg)
  t.strictSame(released.sort(), acquired.sort(), 'also what a routine ended with was freed')
})

t.test('Tasks of one routine that overlap are several clients', async (t) => {
  const file = join(folder, 'overlap.jsonl')
  const { stderr } = await runProgram('recording', 'overlap', file)
  t.equal(stderr, '')
  const history = readHistory(file)
  checkHistory(t, history)
  const asked = history.filter(({ op }) => op !== 'init')
  t.equal(asked.length, 4)
  t.equal(new Set(asked.map(({ client }) => client)).size, 4)
})

t.test('GOAWAY_HISTORY names the file, and shutdown() leaves it finished', async (t) => {
  const file = join(folder, 'variable.jsonl')
  writeFileSync(file, '')
  const program = startProgram('recording', {
    args: ['shutdown', 'none'],
    env: { GOAWAY_HISTORY: file, GOAWAY_THREADS: '2' },
  })
  const { stdout, stderr } = await program.ended
  t.equal(stderr, '')
  t.equal(stdout, 'over\n')
  t.ok(readHistory(file).length > 5)
})

t.test('A program that is killed leaves its open operations in the file', async (t) => {
  const file = join(folder, 'killed.jsonl')
  const program = startProgram('recording', { args: ['forever', file] })
  await program.printed('working')
  program.kill('SIGKILL')
  t.equal((await program.ended).signal, 'SIGKILL')
  t.match(readFileSync(file, 'utf8'), /"done"/, 'it is not finished')
  const history = readHistory(file)
  checkHistory(t, history)
  t.ok(history.length > 100)
  t.ok(history.every(({ op, end }) => end >= 0 || op !== 'read'))
})

t.test('A new run takes the place of the last one, with its parts', async (t) => {
  const file = join(folder, 'again.jsonl')
  const other = join(folder, 'again.jsonl.part-node-1.1')
  await runProgram('recording', 'overlap', file)
  writeFileSync(other, '')
  await runProgram('recording', 'overlap', file)
  t.equal(readHistory(file).filter(({ op }) => op !== 'init').length, 4)
  t.notOk(readdirSync(folder).includes('again.jsonl.part-node-1.1'))
})

t.test('A file that cannot be written is refused by init()', async (t) => {
  const cases = [
    [join(folder, 'nowhere', 'h.jsonl'), /Cannot record a history in .*: ENOENT.*; name a file/],
    [folder, /Cannot record a history in .*EISDIR/],
  ] as const
  for (const [file, message] of cases) {
    const { code, stderr } = await runProgram('recording', 'overlap', file)
    t.equal(code, 1)
    t.match(stderr, message)
    t.match(stderr, /code: 'ERR_GOAWAY_CONFIG'/)
  }
})

t.test('A file that holds something else is not overwritten', async (t) => {
  const file = join(folder, 'precious.txt')
  writeFileSync(file, 'the only copy\n')
  const { code, stderr } = await runProgram('recording', 'overlap', file)
  t.equal(code, 1)
  t.match(stderr, /the file is there and holds something else; name another, or remove it/)
  t.equal(readFileSync(file, 'utf8'), 'the only copy\n')
})
