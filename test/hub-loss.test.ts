/** The hub ends in the midst of things: everything pending fails, and nothing hangs. */
import { existsSync } from 'node:fs'
import t from 'tap'
import { beatPatienceMs } from '../lib/limits.ts'
import { jsonLines, runProgram } from './run-program.ts'

const lost = {
  code: 'ERR_GOAWAY_HUB_LOST',
  message: /end this program, or call shutdown\(\) and init\(\)/,
}

t.jobs = 3
for (const way of ['crash', 'terminate']) {
  t.test(`Everything that is pending rejects when the hub ends (${way})`, async (t) => {
    const { code, stdout, stderr, timedOut } = await runProgram('hub-loss', `${way} awaiting`)
    t.equal(timedOut, false)
    t.equal(stderr, '')
    t.equal(code, 0)
    const lines = new Map(jsonLines(stdout).map((line) => [line.what, line]))
    for (const what of [
      'endless loop',
      'parked routine',
      'blocked routine',
      'waitFor',
      'waitFor with a timeout',
      'watch',
      'acquire',
      'stream',
    ]) {
      t.match(lines.get(what), { ...lost, maybeExecuted: true }, what)
      if (way === 'crash') t.match(lines.get(what)?.cause, { className: /Error$/ }, 'tells why')
    }
    for (const what of ['goaway', 'get', 'blocking get', 'acquire', 'blocking acquire']) {
      const line = lines.get(`${what} afterwards`)
      t.match(line, lost, `${what} afterwards`)
      t.equal(line?.thrown, what.startsWith('blocking'), 'only blocking calls throw')
    }
    t.match(lines.get('init'), { code: 'ERR_GOAWAY_CONFIG', message: /shutdown\(\) ends it/ })
    t.notOk('code' in (lines.get('shutdown') ?? { code: '' }), 'shutdown() clears the way')
    t.equal(lines.get('init anew')?.value, true, 'init() starts anew, with empty objects')
  })

  for (const what of ['lonely', 'lonely routine']) {
    t.test(`A single pending call rejects when the hub ends (${way}, ${what})`, async (t) => {
      const { code, stdout, stderr, timedOut } = await runProgram('hub-loss', `${way} ${what}`)
      t.equal(timedOut, false)
      t.equal(stderr, '')
      t.equal(code, 0, 'the program did not end before the call was settled')
      t.match(jsonLines(stdout)[0], lost)
    })
  }

  for (const call of ['waitFor', 'acquire']) {
    t.test(`A blocked program throws when the hub ends (${way} in ${call})`, async (t) => {
      const { code, stdout, stderr, timedOut } = await runProgram('hub-loss', `${way} ${call}`)
      t.equal(timedOut, false)
      t.equal(stderr, '')
      t.equal(code, 0)
      const [blocking, took] = jsonLines(stdout)
      t.match(blocking, { what: 'blocking', thrown: true, ...lost })
      // A hub that throws says so; one that falls silent is looked for, where one can. Else it
      // takes the whole of its patience.
      const isListed = way === 'crash' || existsSync('/proc/self/task')
      const patienceMs = isListed ? beatPatienceMs - 5_000 : beatPatienceMs + 30_000
      t.ok(took.ms < patienceMs, `${took.ms} ms`)
    })
  }
}

for (const what of ['a loop', 'a loop for an absent field']) {
  t.test(`A program that only reads throws when the hub ends (crash in ${what})`, async (t) => {
    const { code, stdout, stderr, timedOut } = await runProgram('hub-loss', `crash in ${what}`)
    t.equal(timedOut, false)
    t.equal(stderr, '')
    t.equal(code, 0)
    t.match(jsonLines(stdout)[0], { what: 'blocking', thrown: true, ...lost })
  })
}
