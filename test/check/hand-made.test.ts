/** Histories whose verdict can be told by looking at them. */
import t, { type Test } from 'tap'
import { check, type ModelName } from '../../lib/check.ts'
import type { HistoryOperation, Json } from '../../lib/history/format.ts'
import { operation, show } from './histories.ts'

type Row = readonly [client: number, start: number, end: number, text: string]

/** `r 1`, `w 1`, `cas 1 2`, `cas 1 2 no`, `+1 =2`, `del yes`, `acq 1`, `rel 1`; `init 1`. */
function made([client, start, end, text]: Row): HistoryOperation {
  const [name = '', ...words] = text.split(' ')
  const value = (word: string | undefined): Json => (word === 'none' ? null : Number(word))
  const base = { client, start, end }
  switch (name) {
    case 'r':
      return operation({ ...base, op: 'read', out: value(words[0]) })
    case 'w':
      return operation({ ...base, op: 'write', arg: value(words[0]) })
    case 'init':
      return operation({ ...base, op: 'init', arg: value(words[0]) })
    case 'cas': {
      const given = { ...base, op: 'cas' as const, exp: value(words[0]), arg: value(words[1]) }
      return operation({ ...given, ok: words[2] !== 'no' })
    }
    case 'del':
      return operation({ ...base, op: 'delete', out: words[0] === 'yes' })
    case 'acq':
      return operation({ ...base, op: 'acquire', ...(end < 0 ? {} : { out: value(words[0]) }) })
    case 'rel':
      return operation({ ...base, op: 'release', arg: value(words[0]) })
    default: {
      const sum = words[0] === undefined ? {} : { out: Number(words[0].slice(1)) }
      return operation({ ...base, op: 'add', arg: Number(name), ...sum })
    }
  }
}

function verdicts(t: Test, expected: string, histories: Readonly<Record<string, Row[]>>): void {
  for (const [name, rows] of Object.entries(histories)) {
    const history = rows.map(made)
    const { verdict } = check(history, { model: 'linearizable' })
    t.equal(verdict, expected, `${name}\n${show(history)}`)
  }
}

t.test('check() takes what can be explained', async (t) => {
  verdicts(t, 'ok', {
    'nothing at all': [],
    'an initial value': [
      [0, 0, 1, 'init 5'],
      [0, 2, 3, 'r 5'],
    ],
    'a field that is absent': [[0, 2, 3, 'r none']],
    'a read during a write, old or new': [
      [0, 1, 9, 'w 1'],
      [1, 2, 3, 'r none'],
      [2, 4, 5, 'r 1'],
    ],
    'equal stamps are concurrent': [
      [0, 1, 2, 'w 1'],
      [1, 2, 3, 'r none'],
    ],
    'a cas that wins and one that loses': [
      [0, 1, 5, 'cas none 1'],
      [1, 1, 5, 'cas none 2 no'],
      [1, 6, 7, 'r 1'],
    ],
    'a sum that has two ways': [
      [0, 1, 5, '1 =3'],
      [1, 1, 5, '2 =2'],
    ],
    'a delete that finds something, and one that does not': [
      [0, 1, 2, 'w 1'],
      [0, 3, 9, 'del yes'],
      [1, 3, 9, 'del no'],
      [0, 10, 11, 'r none'],
    ],
    'a write without an answer that took effect late': [
      [0, 1, -1, 'w 1'],
      [1, 2, 3, 'r none'],
      [1, 4, 5, 'w 2'],
      [1, 6, 7, 'r 2'],
      [1, 8, 9, 'r 1'],
    ],
    'a write without an answer that took no effect': [
      [0, 1, -1, 'w 1'],
      [1, 2, 3, 'r none'],
      [1, 40, 50, 'r none'],
    ],
    'a cas without an answer that explains one that lost': [
      [0, 1, -1, 'cas none 1'],
      [1, 2, 3, 'cas none 2 no'],
    ],
    'locks, one after the other': [
      [0, 1, 2, 'acq 1'],
      [1, 1, 6, 'acq 2'],
      [0, 3, 4, 'rel 1'],
      [1, 7, 8, 'rel 2'],
    ],
    'a lock whose holder never gives it back: the system may': [
      [0, 1, 2, 'acq 1'],
      [1, 3, 4, 'acq 2'],
    ],
    'a lock that was asked for, and nobody knows whether it was got': [
      [0, 1, -1, 'acq'],
      [1, 3, 4, 'acq 2'],
    ],
    'a release without an answer': [
      [0, 1, 2, 'acq 1'],
      [0, 3, -1, 'rel 1'],
      [1, 4, 5, 'acq 2'],
    ],
  })
})

t.test('check() refuses what cannot be explained', async (t) => {
  verdicts(t, 'illegal', {
    'another initial value': [
      [0, 0, 1, 'init 5'],
      [0, 2, 3, 'r none'],
    ],
    'what nobody wrote': [[0, 2, 3, 'r 7']],
    'what was written only afterwards': [
      [0, 1, 2, 'r 1'],
      [1, 3, 4, 'w 1'],
    ],
    'an old value after the new one was written': [
      [0, 1, 2, 'w 1'],
      [1, 3, 4, 'r none'],
    ],
    'the old value after someone saw the new one': [
      [0, 1, 9, 'w 1'],
      [1, 2, 3, 'r 1'],
      [2, 4, 5, 'r none'],
    ],
    'two that win the same cas': [
      [0, 1, 5, 'cas none 1'],
      [1, 1, 5, 'cas none 2'],
    ],
    'a cas that loses against nobody': [[0, 1, 5, 'cas none 1 no']],
    'an increment that was lost': [
      [0, 1, 5, '1 =1'],
      [1, 1, 5, '1 =1'],
    ],
    'a delete of what was not there': [[0, 1, 2, 'del yes']],
    'a delete that missed what was there': [
      [0, 1, 2, 'w 1'],
      [1, 3, 4, 'del no'],
    ],
    'a write without an answer that took effect before it began': [
      [1, 1, 2, 'r 1'],
      [0, 3, -1, 'w 1'],
    ],
    'a write without an answer that took effect twice': [
      [0, 1, -1, 'w 1'],
      [1, 2, 3, 'r 1'],
      [1, 4, 5, 'w 2'],
      [1, 6, 7, 'r 1'],
    ],
    'two holders of a lock': [
      [0, 1, 2, 'acq 1'],
      [1, 3, 4, 'acq 2'],
      [0, 5, 6, 'rel 1'],
    ],
    'a token that is not higher': [
      [0, 1, 2, 'acq 2'],
      [0, 3, 4, 'rel 2'],
      [1, 5, 6, 'acq 1'],
      [1, 7, 8, 'rel 1'],
    ],
    'a release of nothing': [[0, 1, 2, 'rel 1']],
  })
})

t.test('check() judges each object by what its store promises', async (t) => {
  const inversion = (store: HistoryOperation['store']): HistoryOperation[] => [
    operation({ store, op: 'write', arg: 1, start: 1, end: 2 }),
    operation({ store, client: 1, op: 'read', out: null, start: 3, end: 4 }),
  ]
  const expected: Readonly<Record<string, readonly [ModelName, string]>> = {
    strict: ['linearizable', 'illegal'],
    'lin-fast-read': ['linearizable', 'illegal'],
    weak: ['fifo', 'ok'],
    'weak-causal': ['causal', 'ok'],
    'update-on-release': ['sequential', 'ok'],
  }
  for (const [store, [model, verdict]] of Object.entries(expected)) {
    const { parts } = check(inversion(store as HistoryOperation['store']))
    t.match(parts, [{ model, verdict }], store)
  }
  const all = Object.keys(expected).flatMap((store) =>
    inversion(store as HistoryOperation['store']).map((each, at) => ({ ...each, client: at })),
  )
  const apart = all.map((each, index) => ({ ...each, client: index }))
  t.match(check(apart), { verdict: 'illegal', operations: 10 })
  t.equal(check(apart).parts.length, 5, 'a part for each')
  t.equal(check(apart, { model: 'causal' }).parts.length, 1, 'all together, where one is asked for')
})

t.test('check() says unknown when its bound is reached', async (t) => {
  const history = Array.from({ length: 24 }, (_, client) => {
    const given = { client, start: client, end: 1000 + client }
    return operation({ ...given, op: 'cas', exp: client % 5, arg: (client + 2) % 5, ok: true })
  })
  const init = operation({ op: 'init', arg: 0 })
  const impossible = operation({ client: 99, op: 'read', out: 'none', start: 2000, end: 2001 })
  const { verdict } = check([init, ...history, impossible], { stepsMax: 500 })
  t.equal(verdict, 'unknown')
  const reached: number[] = []
  const late = check([init, ...history, impossible], {
    timeMsMax: 0,
    onProgress: ({ steps }) => void reached.push(steps),
  })
  t.equal(late.verdict, 'unknown')
  t.equal(reached.length, 1, 'its time was over when it looked first')
})

t.test('values are equal when their JSON is, whatever the order of its properties', async (t) => {
  const history = [
    operation({ op: 'write', arg: { a: [1, { c: 2, b: 3 }] }, start: 1, end: 2 }),
    operation({ op: 'read', out: { a: [1, { b: 3, c: 2 }] }, start: 3, end: 4 }),
  ]
  t.equal(check(history).verdict, 'ok')
})
