/**
 * How a program ends: by itself when nothing is pending, at once by a signal, and with nothing
 * left.
 */
import t from 'tap'
import { jsonLines, runProgram, startProgram } from './run-program.ts'

t.jobs = 2
const ways: [string, object[]][] = [
  ['awaited', [{ value: 1 }]],
  ['with shutdown', [{ value: 1 }]],
  ['await using', [{ value: 1 }]],
  ['only init', []],
  ['shutdown drains', [{ what: 'slow' }, { what: 'drained' }]],
  ['un-awaited', [{ what: 'slow' }]],
  ['un-awaited children', [{ what: 'grandchild' }]],
  ['un-awaited writes', []],
  ['loop over values', [{ value: 3 }]],
]
for (const [way, lines] of ways) {
  t.test(`A program ends by itself when its routines are done (${way})`, async (t) => {
    const { code, stdout, stderr, timedOut, leftBehind } = await runProgram('life', way)
    t.equal(timedOut, false)
    t.equal(stderr, '')
    t.equal(code, 0)
    t.equal(leftBehind, false)
    t.same(jsonLines(stdout), lines)
  })
}

t.test('A routine that fails un-awaited ends the program as any rejection does', async (t) => {
  const { code, stderr, timedOut } = await runProgram('life', 'un-awaited failure')
  t.equal(timedOut, false)
  t.equal(code, 1)
  t.match(stderr, /TypeError: nobody awaits this/)
  t.match(stderr, /code: 'ERR_GOAWAY_ROUTINE'/)
})

t.test('A watch that nothing more can come from does not keep the program alive', async (t) => {
  const { code, stdout, timedOut } = await runProgram('life', 'background watch')
  t.equal(timedOut, false)
  t.equal(code, 0)
  t.match(stdout, '{"value":2}\n')
  t.match(stdout, '{"what":"done"}\n')
})

t.test('shutdown() leaves nothing open, each time', async (t) => {
  const { code, stdout, stderr } = await runProgram('life', 'resources')
  t.equal(stderr, '')
  t.equal(code, 0)
  const rounds = jsonLines(stdout.replace('start\n', '')).filter((line) => 'round' in line)
  t.equal(rounds.length, 3)
  for (const { before, after, listeners } of rounds) {
    t.same(after, before)
    t.equal(listeners, 0, 'there is no listener that a blocked program could not run')
  }
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  for (const way of ['while awaiting', 'while routines run', 'while blocked']) {
    t.test(`${signal} ends a program and all its threads at once (${way})`, async (t) => {
      const program = startProgram('life', { args: [`signal ${way}`] })
      const { listeners } = await program.line('ready')
      t.equal(listeners, 0, 'nothing is done before it ends')
      const sent = performance.now()
      program.kill(signal)
      const run = await program.ended
      t.equal(run.signal, signal)
      t.equal(run.timedOut, false)
      t.equal(run.leftBehind, false)
      // What runs never ends; a machine that is slow takes its time to end a process.
      t.ok(performance.now() - sent < 30_000, 'it does not wait for what runs')
    })
  }
}
