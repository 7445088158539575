/** What routines print reaches the terminal: all of it, in order, at once. */
import t from 'tap'
import { runProgram, startProgram } from './run-program.ts'

const lines = 20_000

t.jobs = 2
t.test('What a routine prints comes in order, and before its result', async (t) => {
  const { code, stdout, stderr } = await runProgram('output', 'in order')
  t.equal(code, 0)
  t.same(stdout.split('\n'), [
    'before',
    'one two 3 {"four":5}',
    'part of a line',
    'Z',
    'with callback',
    'called back',
    'result',
    'before it throws',
    'thrown',
    'after',
    '',
  ])
  t.equal(stderr, 'to stderr [ 1, [length]: 1 ]\n')
})

t.test('What a routine prints is there while the program is blocked', async (t) => {
  const program = startProgram('output', { args: ['blocked'] })
  await program.printed('while the program is blocked\nprinted\n')
  program.kill('SIGKILL')
  t.equal((await program.ended).stderr, '')
})

t.test('Nothing is lost on a pipe whose reader is slow', async (t) => {
  const program = startProgram('output', { args: ['much'], unread: true })
  await program.printed('started')
  // The pipe is full long before 2 MB: the routine waits for its reader.
  await new Promise((resolve) => setTimeout(resolve, 300))
  program.read()
  const { code, stdout } = await program.ended
  t.equal(code, 0)
  const printed = stdout.split('\n')
  t.equal(printed.length, lines + 2)
  t.equal(printed[lines], String(lines))
  t.ok(printed.slice(0, lines).every((text, index) => text.startsWith(`${index} xxx`)))
})

t.test('What a routine prints before it calls process.exit is not lost', async (t) => {
  const { code, stdout, stderr } = await runProgram('output', 'exits')
  t.equal(code, 0)
  t.equal(stdout.length, lines * 100 + 'ERR_GOAWAY_THREAD_LOST\n'.length)
  t.match(stdout, /\nERR_GOAWAY_THREAD_LOST\n$/)
  t.equal(stderr, 'last words\n')
})
