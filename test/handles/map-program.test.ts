/** Programs that use `map` end as others do: by themselves, and by Ctrl-C. */
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Program } from '../run-program.ts'

const program = fileURLToPath(new URL('../programs/map-forever.js', import.meta.url))

t.test('A program that has left its loop over a map ends', async (t) => {
  const run = await new Program(program, { args: ['--leave'] }).ended
  t.match(run, { code: 0, stdout: 'ten\nleft\n', stderr: '', leftBehind: false })
})

t.test('Ctrl-C ends a program in the midst of a map', async (t) => {
  const running = new Program(program)
  await running.printed('ten')
  running.kill('SIGINT')
  t.match(await running.ended, { signal: 'SIGINT', stderr: '', leftBehind: false })
})
