/** Modules that do not load on a thread, and routines that run out of memory there. */
import t from 'tap'
import { jsonLines, runProgram } from './run-program.ts'

t.jobs = 2
const failing = [
  ['throws', /module-load\.js on a thread: thrown while it loads/, 'RangeError'],
  ['missing import', /module-load\.js on a thread: Cannot find module .*nowhere\.mjs/, 'Error'],
  ['syntax error', /module-load\.js on a thread: Unexpected token/, 'SyntaxError'],
] as const
for (const [way, message, className] of failing) {
  t.test(`A routine whose module fails to load rejects, each time (${way})`, async (t) => {
    const { code, stdout, stderr } = await runProgram('module-load', way)
    t.equal(stderr, '')
    t.equal(code, 0)
    const lines = jsonLines(stdout)
    t.equal(lines.length, 2)
    for (const line of lines) {
      t.match(line, { code: 'ERR_GOAWAY_MODULE_LOAD', message, thrown: false, attempt: 1 })
      t.equal(line.cause.className, className)
    }
  })
}

t.test('A routine whose module never finishes loading ends by its timeout', async (t) => {
  const { code, stdout, stderr } = await runProgram('module-load', 'hangs')
  t.equal(stderr, '')
  t.equal(code, 0)
  t.match(jsonLines(stdout), [{ code: 'ERR_GOAWAY_TIMEOUT', message: /work ran longer than.*200/ }])
})

t.test('A routine whose module never finishes loading ends when it is cancelled', async (t) => {
  const { code, stdout, stderr } = await runProgram('module-load', 'hangs, cancelled')
  t.equal(stderr, '')
  t.equal(code, 0)
  t.match(jsonLines(stdout), [{ code: 'ERR_GOAWAY_CANCELLED', cause: { notAnError: 'enough' } }])
})

t.test('A routine that runs out of memory rejects, and the next one runs', async (t) => {
  const { code, stdout, timedOut } = await runProgram('memory')
  t.equal(timedOut, false)
  t.equal(code, 0)
  const [fills, works] = jsonLines(stdout)
  t.match(fills, {
    code: 'ERR_GOAWAY_THREAD_LOST',
    maybeExecuted: true,
    message: /^Routine fills lost its thread: .*memory.*; raise init\(\{ resourceLimits/,
    cause: { code: 'ERR_WORKER_OUT_OF_MEMORY' },
  })
  t.equal(works.value, 'works')
})

t.test('A module that fails to load leaves its thread to whoever waits for one', async (t) => {
  const { code, stdout, stderr, timedOut } = await runProgram('parked-load')
  t.equal(timedOut, false)
  t.equal(stderr, '')
  t.equal(code, 0)
  const lines = jsonLines(stdout)
  t.match(lines.splice(0, 2), [
    { code: 'ERR_GOAWAY_MODULE_LOAD' },
    { code: 'ERR_GOAWAY_MODULE_LOAD' },
  ])
  t.same(
    lines.map(({ value }) => value),
    ['ran', 'went on', 'went on'],
  )
})
