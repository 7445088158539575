/** A program that forgot `if (isSpawner)` ends with an error that shows the lines to write. */
import t from 'tap'
import { runProgram } from './run-program.ts'

const ways = [
  'awaited goaway',
  'goaway',
  'many',
  'stream',
  'awaited init',
  'init',
  'blocking read',
  'blocking write',
  'blocking acquire',
  'main',
  'main that catches',
]

t.jobs = 2
for (const way of ways) {
  t.test(`A program that forgot isSpawner ends with NOT_SPAWNER (${way})`, async (t) => {
    const { code, signal, stderr, stdout, timedOut } = await runProgram('forgotten', way)
    t.notOk(timedOut, 'it ends by itself')
    t.equal(signal, null)
    t.not(code, 0)
    t.not(code, 13, 'no await is left unsettled')
    t.match(stderr, /code: 'ERR_GOAWAY_NOT_SPAWNER'/)
    t.match(stderr, "import { isSpawner } from 'goaway'")
    t.match(stderr, 'if (isSpawner) {')
    // The thread of the program that catches prints it too: that is the program's own doing.
    const times = way === 'main that catches' ? 2 : 1
    t.equal(stderr.split('Cannot ').length - 1, times, 'nobody else speaks of it')
    t.notMatch(stderr, 'Uncaught error in a routine')
    // What the program itself printed before the routine failed is its own affair.
    t.match(stdout, /^1?\n?$/)
  })
}
