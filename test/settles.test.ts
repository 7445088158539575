/**
 * Every promise settles: at a shutdown and at the loss of a thread; test/hub-loss has that of the
 * hub.
 */
import t from 'tap'
import { jsonLines, runProgram } from './run-program.ts'

t.jobs = 2
t.test('Everything that is pending settles at shutdown()', async (t) => {
  const { code, stdout, stderr, timedOut } = await runProgram('settles', 'shutdown')
  t.equal(timedOut, false)
  t.equal(stderr, '')
  t.equal(code, 0)
  const lines = new Map(jsonLines(stdout).map((line) => [line.what, line]))
  const stopped = ['waits', 'acquires', 'watches', 'awaitsForEver', 'streams', 'loops', 'blocks']
  const others = ['awaitsChild', 'loops 2', 'loops 3', 'queued']
  const calls = ['waitFor', 'waitFor with timeout', 'acquire', 'watch']
  for (const what of [...stopped, ...others, ...calls]) {
    t.match(
      lines.get(what),
      { code: 'ERR_GOAWAY_SHUTDOWN', message: /shutdown\(\) was called/ },
      what,
    )
  }
  t.ok(lines.get('took')?.ms < 30_000, `within a limit: ${lines.get('took')?.ms} ms`)
  t.equal(lines.get('took')?.lost, true, 'a lock that was held says that it is lost')
})

t.test('Everything that is pending settles when a thread is lost', async (t) => {
  const { code, stdout, stderr, timedOut } = await runProgram('settles', 'thread')
  t.equal(timedOut, false)
  t.equal(stderr, '')
  t.equal(code, 0)
  const lines = new Map(jsonLines(stdout).map((line) => [line.what, line]))
  for (const what of ['exits', 'waits', 'acquires', 'watches', 'awaitsForEver', 'streams']) {
    t.match(lines.get(what), { code: 'ERR_GOAWAY_THREAD_LOST', maybeExecuted: true }, what)
    if (what !== 'exits') t.match(lines.get(what)?.message, /by routine exits \(\d+\)/, what)
  }
  t.ok(lines.has('took'))
})
