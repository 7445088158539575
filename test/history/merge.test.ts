import t from 'tap'
import type { HistoryLine, RecordedOperation } from '../../lib/history/format.ts'
import { mergeHistory } from '../../lib/history/merge.ts'
import { historyValue } from '../../lib/history/value.ts'

function recorded(id: string, more: Partial<RecordedOperation>): RecordedOperation {
  const field = { client: 0, kind: 'reg', store: 'strict', key: 's.x' } as const
  return { id, ...field, op: 'write', arg: 1, ok: true, start: 0, end: -1, ...more }
}

const one = (lines: readonly HistoryLine[]) => mergeHistory([{ name: '', lines }]).operations

t.test('Intents are joined with what became of them', async (t) => {
  const history = one([
    recorded('a/1', { start: 10 }),
    recorded('a/2', { start: 20, arg: 2 }),
    recorded('a/3', { start: 30, op: 'cas', exp: 1, arg: 3 }),
    recorded('a/4', { start: 40, arg: 4 }),
    { done: 'a/3', ok: false, end: 35 },
    { done: 'a/1', ok: true, end: 15 },
    { done: 'a/2', failed: true, ok: true, end: 25 },
  ])
  t.strictSame(
    history.map(({ arg, ok, start, end }) => [arg, ok, start, end]),
    [
      [1, true, 10, 15],
      [3, false, 30, 35],
      [4, true, 40, -1],
    ],
  )
})

t.test(
  'What overlaps at one caller is of several clients, and what is open of its own',
  async (t) => {
    const history = one([
      recorded('a/1', { start: 1, end: 4 }),
      recorded('a/2', { start: 2, end: 3 }),
      recorded('a/3', { start: 5 }),
      recorded('a/4', { start: 6, end: 7 }),
      recorded('b/1', { start: 8, end: 9 }),
    ])
    t.strictSame(
      history.map(({ client }) => client),
      [0, 1, 0, 1, 2],
    )
  },
)

t.test('Equal stamps become different ones, and claim no order', async (t) => {
  const history = one([
    recorded('a/1', { start: 1, end: 5 }),
    recorded('b/1', { start: 5, end: 5 }),
    recorded('c/1', { start: 5, end: 6 }),
  ])
  const ends = Math.min(...history.map(({ end }) => end))
  t.ok(
    history.every(({ start }) => start < ends),
    'all overlap',
  )
  t.equal(new Set(history.flatMap(({ start, end }) => [start, end])).size, 6)
})

t.test('Initial values are one line each where nobody can have looked before', async (t) => {
  const init = (id: string, more: object) => recorded(id, { op: 'init', arg: 0, ...more })
  const read = (id: string, more: object) => recorded(id, { op: 'read', out: 0, end: 9, ...more })
  const plain = one([
    init('a/1', { start: 1 }),
    read('a/2', { start: 2 }),
    init('b/1', { start: 3 }),
  ])
  t.strictSame(
    plain.map(({ op, start }) => [op, start]),
    [
      ['init', 0],
      ['read', 2],
    ],
  )
  const early = one([init('a/1', { start: 1 }), read('b/1', { start: 0, out: null })])
  t.strictSame(
    early.map(({ op, exp, arg, end }) => [op, exp, arg, end]),
    [
      ['read', undefined, 1, 9],
      ['cas', null, 0, -1],
    ],
  )
  const two = one([init('a/1', { start: 1 }), init('b/1', { start: 2, arg: 7 })])
  t.strictSame(
    two.map(({ op, exp, arg, end }) => [op, exp, arg, end]),
    [
      ['cas', null, 0, -1],
      ['cas', null, 7, -1],
    ],
  )
  const weak = { store: 'weak' } as const
  const stores = one([
    init('a/1', { start: 1 }),
    init('a/2', { start: 2, arg: 7, ...weak }),
    read('b/1', { start: 3, end: 4 }),
    init('b/2', { start: 5, arg: 7, ...weak }),
  ])
  t.strictSame(
    stores.map(({ op, store, arg }) => [op, store, arg]),
    [
      ['init', 'weak', 7],
      ['cas', 'strict', 0],
      ['read', 'strict', 1],
    ],
    'an object of the same name in another store is another one',
  )
})

t.test(
  'A release ends when the lock was freed, and the system frees what nobody did',
  async (t) => {
    const lock = { kind: 'lock', store: 'lock', key: 'l' } as const
    const acquire = (id: string, start: number, out: number) =>
      recorded(id, { ...lock, op: 'acquire', out, start, end: start + 1 })
    const release = (id: string, arg: number, start: number, end = -1) =>
      recorded(id, { ...lock, op: 'release', arg, start, end })
    const history = one([
      acquire('a/1', 1, 1),
      release('a/2', 1, 5),
      release('hub/1', 1, 7, 8),
      acquire('b/1', 10, 2),
      release('hub/2', 2, 20, 21),
      release('b/2', 2, 30),
      release('hub/3', 9, 40, 41),
    ])
    const released = history.filter(({ op }) => op === 'release')
    t.strictSame(
      released.map(({ arg, start, end }) => [arg, start, end]),
      [
        [1, 5, 8],
        [2, 20, 21],
        [9, 40, -1],
      ],
    )
  },
)

t.test('Times of another machine are moved, and grow by what is not known', async (t) => {
  const lines = [
    { clock: 1_000, low: 4_990, high: 5_010 },
    { clock: 3_000, low: 4_980, high: 5_030 },
    recorded('b/1', { start: 1_000, end: 2_000 }),
    recorded('b/2', { start: 2_500, end: 2_600, store: 'weak' }),
    recorded('b/3', { start: 2_601, end: 2_700, store: 'weak' }),
  ]
  const { operations } = mergeHistory([
    { name: '', lines: [recorded('a/1', { start: 1, end: 2 })] },
    { name: '1-there', lines },
  ])
  t.strictSame(
    operations.map(({ start, end }) => [start, end]),
    [
      [1, 2],
      [5_990, 7_011],
      [7_504, 7_604],
      [7_605, 7_704],
    ],
  )
  t.strictSame(
    operations.map(({ client }) => client),
    [0, 1, 1, 1],
    'their order stays',
  )
})

t.test('A part that is missing is told, and a finished history stays as it is', async (t) => {
  const notice = { part: '1-there', where: 'there' }
  t.strictSame(mergeHistory([{ name: '', lines: [notice] }]).missing, [notice])
  const given = mergeHistory([
    { name: '', lines: [notice] },
    { name: '1-there', lines: [] },
  ])
  t.strictSame(given.missing, [])
  const { id, ...line } = recorded('', { client: 7, start: 9, end: 9 })
  t.strictSame(one([line]), [line])
  const finished = one([recorded('a/1', { op: 'init' }), recorded('a/2', { start: 5, end: 8 })])
  t.strictSame(one([...finished]), finished)
})

t.test('Values that differ are shown differently, and equal ones alike', async (t) => {
  const long = 'x'.repeat(1_000)
  const all = [
    ...[undefined, null, '@null', 'null', 0, -0, Number.NaN, '@NaN', '@@NaN', Infinity, 1n, '1', 1],
    ...[true, 'true', [], {}, [null], [undefined], { a: 1 }, { a: '1' }, new Date(1), new Date(2)],
    ...[new Map([[1, 2]]), new Map([[1, 3]]), new Set([1]), Uint8Array.of(1), Uint8Array.of(2)],
    ...[Int8Array.of(1), Uint8Array.of(1).buffer, long, `${long}y`, { long }, [1n], /a/, /b/],
  ]
  const shown = all.map((value) => JSON.stringify(historyValue(value)))
  t.equal(new Set(shown).size, all.length)
  t.notOk(shown.includes('null'), 'that is for what is absent')
  t.ok(shown.every((text) => text.length < 300))
  t.strictSame(historyValue({ b: [1], a: 2 }), historyValue({ a: 2, b: [1] }))
  const circle: unknown[] = []
  circle.push(circle)
  t.strictSame(historyValue(circle), ['@cycle:1'])
})
