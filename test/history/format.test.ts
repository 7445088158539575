import t from 'tap'
import {
  type HistoryLine,
  type HistoryOperation,
  keyOf,
  parseLine,
  printLine,
  splitKey,
} from '../../lib/history/format.ts'

const read: HistoryOperation = {
  client: 0,
  kind: 'reg',
  store: 'strict',
  key: 's.x',
  op: 'read',
  out: null,
  ok: true,
  start: 3,
  end: 9,
}

t.test('a line that was printed is read as it was', async (t) => {
  const lines: readonly HistoryLine[] = [
    read,
    { ...read, op: 'cas', arg: [1, { a: 'b' }], exp: null, ok: false },
    { ...read, op: 'write', arg: 'line\nfeed', end: -1 },
    { ...read, kind: 'lock', store: 'lock', key: 'a.b', op: 'acquire', out: 7 },
    { ...read, id: 'abc/1', op: 'add', arg: 1, end: -1 },
    { done: 'abc/1', out: 4, ok: true, end: 12 },
    { done: 'abc/1', failed: true, ok: true, end: 12 },
    { clock: 1, low: -5, high: 5 },
    { part: 'node-1', where: 'host:/file' },
  ]
  for (const line of lines) {
    const text = printLine(line)
    t.notMatch(text, /\n/)
    t.strictSame(parseLine(text, 1), line)
  }
})

t.test('a key says which object and which field it joins', async (t) => {
  for (const [object, field, key] of [
    ['s', 'x', 's.x'],
    ['a.b', 'c.d', 'a\\.b.c.d'],
    ['a\\.b', 'c', 'a\\\\\\.b.c'],
    ['a\\', '.c', 'a\\\\..c'],
    ['line\n.', '\n', 'line\n\\..\n'],
  ] as const) {
    t.equal(keyOf(object, field), key)
    t.strictSame(splitKey(key), [object, field])
  }
  t.equal(splitKey('nothing\\.joined'), undefined)
})

t.test('a bad line is refused by its number, with what is wrong and what was found', async (t) => {
  const refused = (change: object | string, message: RegExp): void => {
    const text = typeof change === 'string' ? change : JSON.stringify({ ...read, ...change })
    t.throws(() => parseLine(text, 12), { code: 'ERR_GOAWAY_HISTORY', message })
    t.throws(() => parseLine(text, 12), { message: /line 12 of the history: / })
  }
  refused('{"client"', /it is no JSON: \{"client"/)
  refused('[1]', /has to be an object: \[1\]/)
  refused('{"client":0}', /kind has to be one of reg, lock: it is missing/)
  refused({ client: -1 }, /client has to be a whole number from 0: -1/)
  refused({ store: 'wek' }, /store has to be one of strict, .*: "wek"/)
  refused({ op: 'acquire' }, /a reg has no operation acquire/)
  refused({ kind: 'lock' }, /a lock has no operation read/)
  refused({ store: 'lock' }, /a reg has no store lock/)
  refused({ end: 2 }, /end 2 is before start 3/)
  refused({ out: undefined }, /out is missing: read/)
  refused({ op: 'write' }, /arg is missing: write/)
  refused({ op: 'cas', arg: 1 }, /exp is missing: cas/)
  refused({ op: 'add', arg: 'one' }, /arg of an add has to be a number: one/)
  refused({ start: null }, /start has to be a number from 0: null/)
  refused('{"done":1}', /done has to be a string: 1/)
})
