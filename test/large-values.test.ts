/** Large values pass the hub unopened: it grants locks meanwhile as if they were small. */
import t from 'tap'
import { jsonLines, startProgram } from './run-program.ts'

const grantMsMax = 20

t.test('100 MB on their way do not delay the grant of a lock', async (t) => {
  const { code, stdout, stderr } = await startProgram('large-values', { limitMs: 200_000 }).ended
  t.equal(stderr, '')
  t.equal(code, 0)
  const lines = jsonLines(stdout)
  t.equal(lines.length, 14)
  for (const { what, worked, took } of lines) {
    t.comment(`${what}: longest grants of each round, in ms: ${took.join(', ')}`)
    // A hub that opens or copies such a value does so in each round.
    t.ok(worked[0] < grantMsMax, `${what}: ${worked[0]} ms of the hub for one grant`)
  }
})
