/** Blocking calls that nobody is left to answer are refused; all others wait. */
import t from 'tap'
import { jsonLines, runProgram } from '../run-program.ts'

async function linesOf(way: string): Promise<ReturnType<typeof jsonLines>> {
  const { stdout, stderr, code, timedOut } = await runProgram('stalled', way)
  t.notOk(timedOut, `${way}: it ends by itself`)
  t.equal(code, 0, stderr)
  return jsonLines(stdout)
}

t.test(
  'waitFor() is refused when only a routine parked on its own thread could set the field',
  async (t) => {
    const [blocked, parked] = await linesOf('own thread, field')
    t.equal(blocked.code, 'ERR_GOAWAY_DEADLOCK')
    t.match(blocked.message, '1 parked on the thread that it blocks')
    t.equal(parked.value, 'set', 'which then goes on')
  },
)

t.test('acquire() is refused when a routine parked on its own thread holds the lock', async (t) => {
  const [blocked, parked] = await linesOf('own thread, lock')
  t.equal(blocked.code, 'ERR_GOAWAY_DEADLOCK')
  t.equal(parked.value, 'released', 'which then goes on')
})

t.test(
  'waitFor() is refused in every thread when all are blocked and nothing else is left',
  async (t) => {
    const [codes] = await linesOf('all blocked')
    t.same(
      codes,
      Array.from({ length: 3 }, () => 'ERR_GOAWAY_DEADLOCK'),
    )
  },
)

t.test('waitFor() is refused in a program that runs nothing', async (t) => {
  const [blocked] = await linesOf('program alone')
  t.equal(blocked.code, 'ERR_GOAWAY_DEADLOCK')
})

t.test('waitFor() is answered by a routine on another thread', async (t) => {
  t.same(await linesOf('another thread'), [1])
})

t.test('waitFor() is answered by a timer of the program', async (t) => {
  t.same(await linesOf('timer of the program'), [7])
})

t.test('waitFor() is answered by work that Node does not tell of', async (t) => {
  t.same(await linesOf('hidden work of the program'), [3])
})

t.test('waitFor() is refused although another thread has a routine parked for good', async (t) => {
  const [blocked] = await linesOf('another thread is parked for good')
  t.equal(blocked.code, 'ERR_GOAWAY_DEADLOCK')
})

t.test('waitFor() is refused after a thread that was asked has exited', async (t) => {
  const [blocked] = await linesOf('an asked thread exits')
  t.equal(blocked.code, 'ERR_GOAWAY_DEADLOCK')
})

t.test('waitFor() with a limit of time runs into it, and not into a deadlock', async (t) => {
  const [blocked] = await linesOf('time limit')
  t.equal(blocked.code, 'ERR_GOAWAY_TIMEOUT')
})

t.test('waitFor() is refused in a routine whose time in the queue was limited', async (t) => {
  const [blocked] = await linesOf('limited queue')
  t.equal(blocked.code, 'ERR_GOAWAY_DEADLOCK')
})
