/** `goaway check` from outside. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { CheckResult } from '../../lib/check.ts'
import { operation, show } from '../check/histories.ts'
import { type Finished, run } from '../run-node.ts'

const bin = fileURLToPath(new URL('../../../bin/goaway.js', import.meta.url))
const write = operation({ op: 'write', arg: 1, start: 1, end: 2 })
const fresh = operation({ client: 1, op: 'read', out: 1, start: 3, end: 4 })
const stale = operation({ client: 1, op: 'read', out: null, start: 3, end: 4 })

function goaway(options: readonly string[], cwd: string): Promise<Finished> {
  return run(process.execPath, [bin, 'check', ...options], { cwd })
}

t.test('goaway check tells the verdict by its exit code', async (t) => {
  const cwd = t.testdir({
    'good.jsonl': `${show([write, fresh])}\n`,
    'bad.jsonl': `${show([write, stale])}\n`,
    'no.jsonl': `${show([write])}\n{"client":1}\n`,
    'twice.jsonl': `${show([write, { ...write, client: 1 }])}\n`,
  })
  const good = await goaway(['good.jsonl'], cwd)
  t.same([good.code, good.output], [0, 'ok: 2 operations in 1 part, against linearizable\n'])

  const bad = await goaway(['bad.jsonl', '--svg', 'bad.svg'], cwd)
  t.equal(bad.code, 1)
  t.match(bad.output, 'found absent, after client 0 (line 1) did write 1')
  t.match(readFileSync(join(cwd, 'bad.svg'), 'utf8'), /^<svg/)

  t.match(await goaway(['bad.jsonl', '--model', 'causal'], cwd), { code: 0 })
  t.match(await goaway(['no.jsonl'], cwd), { code: 2, errors: /line 2 of the history/ })
  t.match(await goaway(['twice.jsonl', '--model', 'fifo'], cwd), { code: 2, errors: /line 2/ })
  t.match(await goaway(['none.jsonl'], cwd), { code: 2, errors: /Cannot read history none.jsonl/ })
  t.match(await goaway(['good.jsonl', '--model', 'strong'], cwd), { code: 2 })
})

t.test('goaway check says unknown when its time is over', async (t) => {
  // Which of the adds were carried out, to give that sum?
  const adds = Array.from({ length: 40 }, (_, client) =>
    operation({ client, op: 'add', arg: 2 ** client + client / 2, start: client, end: -1 }),
  )
  const sum = operation({ client: 99, op: 'read', out: 12_345.25, start: 100, end: 101 })
  const cwd = t.testdir({ 'hard.jsonl': `${show([...adds, sum])}\n` })
  const { code, output } = await goaway(['hard.jsonl', '--timeout', '0'], cwd)
  t.equal(code, 3)
  t.match(output, /^unknown: 41 operations/m)
})

t.test('goaway check --json is for programs', async (t) => {
  const cwd = t.testdir({ 'bad.jsonl': `${show([write, stale])}\n` })
  const { code, output } = await goaway(['bad.jsonl', '--json'], cwd)
  t.equal(code, 1)
  const { verdict, parts } = JSON.parse(output) as CheckResult
  t.equal(verdict, 'illegal')
  t.same(parts[0]?.window?.lines, [1, 2])
})

t.test('goaway check merges what a killed process has left, with its parts', async (t) => {
  const cwd = t.testdir({})
  const intent = { ...write, end: -1, id: 'a/1' }
  const notice = { part: 'node', where: 'elsewhere' }
  const lines = (...all: readonly object[]): string =>
    all.map((each) => `${JSON.stringify(each)}\n`).join('')
  writeFileSync(join(cwd, 'left.jsonl'), lines(intent, notice))
  t.match(await goaway(['left.jsonl'], cwd), { code: 2, errors: /node is missing/ })
  writeFileSync(join(cwd, 'left.jsonl.part-node'), lines({ ...stale, id: 'b/1' }))
  t.match(await goaway(['left.jsonl'], cwd), { code: 0, output: /^ok: 2 operations/ })
})
