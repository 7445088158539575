/** What is no history is told with its line. */
import t from 'tap'
import { check, parseHistory } from '../../lib/check.ts'
import type { HistoryOperation } from '../../lib/history/format.ts'
import { operation } from './histories.ts'

const first = operation({ op: 'write', arg: 1, start: 1, end: 2 })

function text(...operations: readonly (HistoryOperation | object | string)[]): string {
  return operations
    .map((each) => (typeof each === 'string' ? each : JSON.stringify(each)))
    .join('\n')
}

const bad: Readonly<Record<string, readonly [string, RegExp]>> = {
  'no JSON': ['{"client"', /line 2 .* no JSON/],
  'an unknown field': [text({ ...first, what: 1 }), /line 2 .* no meaning: what/],
  'an unknown operation': [text({ ...first, op: 'swap' }), /line 2 .* op has to be one of/],
  'an unknown kind': [text({ ...first, kind: 'queue' }), /line 2 .* kind has to be/],
  'an unknown store': [text({ ...first, store: 'redis' }), /line 2 .* store has to be/],
  'an end before its start': [text({ ...first, start: 9, end: 8 }), /line 2 .* before start/],
  'operations of a client that overlap': [
    text({ ...first, start: 1.5, end: 3 }),
    /line 2 .* client 0 began it before line 1 had ended/,
  ],
  'an init that comes late': [
    text(operation({ op: 'init', arg: 1 })),
    /line 2 .* init has to be the first/,
  ],
}

for (const [name, [line, message]] of Object.entries(bad)) {
  t.test(`parseHistory() refuses ${name}`, async (t) => {
    t.throws(() => parseHistory(`${text(first)}\n${line}\n`), {
      code: 'ERR_GOAWAY_HISTORY',
      message,
    })
  })
}

t.test('check() refuses writes that are not unique, where it needs them', async (t) => {
  const again = operation({ client: 1, op: 'write', arg: 1, start: 3, end: 4 })
  const cas = operation({ client: 1, op: 'cas', exp: 1, arg: 2, start: 3, end: 4 })
  const add = operation({ client: 1, op: 'add', arg: 1, out: 2, start: 3, end: 4 })
  for (const model of ['causal', 'fifo'] as const) {
    const told = (message: RegExp) => ({ code: 'ERR_GOAWAY_HISTORY', message })
    t.throws(() => check([first, again], { model }), told(/line 2 .* unique writes.* line 1/))
    t.throws(() => check([first, cas], { model }), told(/line 2 .* no meaning for it: cas/))
    t.throws(() => check([add, { ...first, start: 5, end: 6 }], { model }), told(/add and write/))
    const initial = operation({ op: 'init', arg: 1 })
    t.throws(() => check([initial, first], { model }), told(/line 2 .* unique/))
  }
  t.equal(check([first, again]).verdict, 'ok', 'linearizable does not')
})

t.test(
  'check() of causal and fifo refuses an absence of two origins only if it is read',
  async (t) => {
    const gone = operation({ op: 'delete', out: true, start: 3, end: 4 })
    const read = operation({ op: 'read', out: null, start: 5, end: 6 })
    t.equal(check([first, gone], { model: 'fifo' }).verdict, 'ok')
    t.throws(() => check([first, gone, read], { model: 'fifo' }), /line 2 .* unique/)
    const initial = operation({ op: 'init', arg: 0 })
    t.equal(check([initial, first, gone, read], { model: 'fifo' }).verdict, 'ok')
  },
)

t.test('parseHistory() passes over empty lines, and counts them', async (t) => {
  const { entries } = parseHistory(`\n${text(first)}\r\n\n${text({ ...first, client: 1 })}`)
  t.same(
    entries.map(({ line }) => line),
    [2, 4],
  )
})

t.test(
  'parseHistory() drops what has failed for certain, except a cas that found another',
  async (t) => {
    const failed = operation({ client: 1, op: 'acquire', ok: false, start: 3, end: 4 })
    const missed = operation({ client: 2, op: 'cas', exp: 5, arg: 6, ok: false, start: 3, end: 4 })
    const { entries } = parseHistory(text(first, failed, missed))
    t.same(
      entries.map(({ operation: { op } }) => op),
      ['write', 'cas'],
    )
  },
)

t.test('parseHistory() merges a recording that was not finished', async (t) => {
  const intent = { ...first, end: -1, id: 'a/1' }
  const read = { ...operation({ client: 1, op: 'read', out: 1, start: 5, end: 6 }), id: 'b/1' }
  const recording = text(intent, read, { done: 'a/1', ok: true, end: 3 }, '{"client":0,"ki')
  const { entries } = parseHistory(recording)
  t.match(
    entries.map(({ operation: { op, end } }) => [op, end >= 0]),
    [
      ['write', true],
      ['read', true],
    ],
  )
  t.equal(check(parseHistory(text(intent, read))).verdict, 'ok', 'an intent without its end')
  const lost = text(intent, { part: 'n2', where: 'far away' })
  t.throws(() => parseHistory(lost), { code: 'ERR_GOAWAY_HISTORY', message: /n2.*far away/ })
})
