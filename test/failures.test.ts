/**
 * How a routine fails, as its caller sees it: class, code, properties, stack, place, and its
 * neighbours.
 */
import t, { type Test } from 'tap'
import { jsonLines, runProgram } from './run-program.ts'

// biome-ignore lint/suspicious/noExplicitAny: lines are compared by what is in them
type Line = any

/** Runs one part of the program; gives what it told, by name. */
async function told(t: Test, part: string): Promise<(what: string) => Line> {
  const { code, stdout, stderr, timedOut } = await runProgram('failures', part)
  t.equal(timedOut, false, 'it ends by itself')
  t.equal(stderr, '')
  t.equal(code, 0)
  const lines = jsonLines(stdout)
  return (what) => lines.find((line) => line.what === what) ?? t.fail(`nothing told of: ${what}`)
}

t.jobs = 2
t.test('A routine that throws', async (t) => {
  const of = await told(t, 'throwing')
  const place = { node: 'local', thread: Number, attempt: 1, routine: Number }

  t.test('rejects with its own class, which is a GoawayError too', async (t) => {
    const facts = { code: 'ERR_GOAWAY_ROUTINE', thrown: false, goaway: true, ...place }
    t.match(of('throws'), {
      className: 'TypeError',
      typeError: true,
      message: 'thrown in a routine',
    })
    t.match(of('throws'), facts)
    t.match(of('rejects'), { className: 'RangeError', message: 'rejected in a routine', ...facts })
    t.match(of('throws a GoawayError'), {
      className: 'GoawayError',
      code: 'ERR_GOAWAY_LIMIT',
      ...place,
    })
    t.match(of('generator throws'), { className: 'TypeError', ...facts })
  })

  t.test('names the line of the routine in its stack', async (t) => {
    for (const [what, fn] of [
      ['throws', 'throws'],
      ['rejects', 'rejects'],
      ['throws of a child', 'throws'],
      ['generator throws', 'yieldsThenThrows'],
    ] as const) {
      t.match(of(what).stack, new RegExp(`at (async )?${fn} \\(.*failures\\.[jt]s:\\d+:\\d+\\)`))
    }
  })

  t.test('keeps name, code, properties and causes', async (t) => {
    const line = of('throws with properties')
    t.match(line, {
      name: 'OutOfStock',
      className: 'RangeError',
      code: 'ENOENT',
      errno: -2,
      detail: { shelf: [3, { row: 4 }] },
      when: '1970-01-01T00:00:00.000Z',
      cause: {
        className: 'SyntaxError',
        message: 'the reason',
        cause: { notAnError: 'its reason' },
      },
      ...place,
    })
    t.notOk('retry' in line, 'a function stays behind')
  })

  t.test('rejects with what it threw as the cause when that is no error', async (t) => {
    const shown = [
      'undefined',
      'null',
      '"text"',
      '42',
      '10n',
      'Symbol(s)',
      '{"a":[1]}',
      'the function',
    ]
    for (const [index, text] of shown.entries()) {
      const line = of(`throws non-error ${index}`)
      t.match(line, { className: 'GoawayError', code: 'ERR_GOAWAY_ROUTINE', ...place })
      t.match(line.message, `the routine threw ${text}`)
    }
    t.match(of('throws non-error 2'), { cause: { notAnError: 'text' } })
    t.match(of('rejects non-error'), { cause: { notAnError: 'a text' } })
  })

  t.test('tells the place of the child that failed, and of the last attempt', async (t) => {
    t.not(of('throws of a child').routine, of('throws a GoawayError').routine + 1)
    t.equal(of('retried').attempt, 3)
  })

  t.test('rejects when its result cannot be passed', async (t) => {
    t.match(of('returns a function'), {
      code: 'ERR_GOAWAY_VALUE',
      message: /^result\.deep\[0\] is a function; .*pass data/,
    })
  })
})

t.test('A routine that ends its thread, or never ends', async (t) => {
  const of = await told(t, 'ending')
  const lost = { code: 'ERR_GOAWAY_THREAD_LOST', maybeExecuted: true, node: 'local', attempt: 1 }

  t.test(
    'rejects with THREAD_LOST when it calls process.exit, and the program goes on',
    async (t) => {
      const remedy = 'process.exit() in a routine ends its thread: return or throw instead'
      t.match(of('exits'), {
        ...lost,
        message: `Routine exits lost its thread: worker exited with code: 0; ${remedy}`,
      })
      t.match(of('exits with a code'), { ...lost, message: /code: 7/ })
      t.match(of('exits later'), { ...lost, message: /code: 3/ })
      t.match(of('holds a lock and exits'), lost)
      t.notOk('code' in of('its lock'), 'what it held is free')
    },
  )

  t.test('rejects with TIMEOUT when it loops, stopped by itself or by force', async (t) => {
    const timeout = { code: 'ERR_GOAWAY_TIMEOUT', maybeExecuted: true, attempt: 1, routine: Number }
    t.match(of('loops'), { ...timeout, message: 'Routine loops ran longer than its timeoutMs: 50' })
    t.match(of('loops until cancelled'), timeout)
    t.equal(of('works afterwards').value, 'works')
  })
})

t.test('An error that nobody catches', async (t) => {
  const of = await told(t, 'sharing')
  const unharmed = ['unharmed', 'unharmed']

  t.test('fails the routine that it comes from, and not its neighbours', async (t) => {
    t.match(of('throws from a timer'), { className: 'TypeError', message: 'thrown by a timer' })
    t.match(of('leaves a rejection unhandled'), { className: 'RangeError' })
    t.match(of('throws from a microtask'), { message: 'thrown by a microtask' })
    for (const what of [
      'throws from a timer',
      'leaves a rejection unhandled',
      'throws from a microtask',
    ]) {
      t.equal(of(what).code, 'ERR_GOAWAY_ROUTINE')
      t.same(of(`neighbours when one ${what}`).settled, unharmed)
    }
  })

  t.test('names the culprit to those who lose a shared thread', async (t) => {
    t.match(of('exits beside others').code, 'ERR_GOAWAY_THREAD_LOST')
    const { settled } = of('neighbours when one exits beside others')
    for (const one of settled) {
      t.match(one, { code: 'ERR_GOAWAY_THREAD_LOST', maybeExecuted: true })
      t.match(one.message, /neighbour lost its thread by routine exitsLater \(\d+\), which shared/)
    }
  })
})

t.test('What a failed attempt left behind does nothing in the name of the next', async (t) => {
  const { code, stdout, stderr } = await runProgram('failures', 'retrying')
  t.match(stderr, /^Uncaught error on a thread, in routine \d+, .* left by the first attempt/)
  t.equal(code, 0)
  const value = ['ERR_GOAWAY_CANCELLED', 'ERR_GOAWAY_CANCELLED', 'went on']
  t.same(jsonLines(stdout), [{ what: 'retried', value }])
})
