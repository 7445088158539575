/** `causal` and `fifo`, against their definitions and on histories whose verdict is known. */
import t, { type Test } from 'tap'
import { check, type ModelName } from '../../lib/check.ts'
import type { HistoryOperation } from '../../lib/history/format.ts'
import { isCausal, isFifo } from './brute-force.ts'
import { Chance, operation, randomReads, show } from './histories.ts'

const definitions: readonly (readonly [ModelName, (h: readonly HistoryOperation[]) => boolean])[] =
  [
    ['causal', isCausal],
    ['fifo', isFifo],
  ]

const seeds = 2_000

for (const [model, isLegal] of definitions) {
  t.test(`check() ${model} agrees with the definition`, async (t) => {
    const counts = { ok: 0, illegal: 0, unknown: 0 }
    for (let seed = 1; seed <= seeds; seed += 1) {
      const history = randomReads(new Chance(seed), { clients: 3, operations: 7, fields: 2 })
      const { verdict, parts } = check(history, { model })
      counts[verdict] += 1
      if (verdict !== (isLegal(history) ? 'ok' : 'illegal')) {
        return t.fail(`seed ${seed}: ${verdict}\n${show(history)}`)
      }
      const window = parts[0]?.window?.operations ?? []
      const fault = verdict === 'ok' ? undefined : faultOfWindow(window, isLegal)
      if (fault !== undefined) return t.fail(`seed ${seed}: ${fault}\n${show(window)}`)
    }
    t.ok(counts.ok > seeds / 10, `some were right: ${counts.ok}`)
    t.ok(counts.illegal > seeds / 10, `some were wrong: ${counts.illegal}`)
  })
}

function faultOfWindow(
  window: readonly HistoryOperation[],
  isLegal: (history: readonly HistoryOperation[]) => boolean,
): string | undefined {
  if (isLegal(window)) return 'the window is legal'
  for (const [index, each] of window.entries()) {
    const rest = window.toSpliced(index, 1)
    const isRead = rest.some(
      ({ op, out, key }) => op === 'read' && out === each.arg && key === each.key,
    )
    if (!isRead && !isLegal(rest)) return `can do without ${JSON.stringify(each)}`
  }
  return undefined
}

function weak(given: Parameters<typeof operation>[0]): HistoryOperation {
  return operation({ store: 'weak', key: 's.n', ...given })
}

async function verdicts(t: Test, history: readonly HistoryOperation[], expected: string) {
  for (const model of ['causal', 'fifo'] as const) {
    t.equal(check(history, { model }).verdict, expected, `${model}: ${show(history)}`)
  }
}

t.test('check() of a counter asks for own adds, and for no more than were made', async (t) => {
  const add = weak({ op: 'add', arg: 2, out: 2, start: 1, end: 2 })
  const other = weak({ client: 1, op: 'add', arg: 3, start: 1, end: -1 })
  const read = (out: number, client = 0) => weak({ client, op: 'read', out, start: 5, end: 6 })
  await verdicts(t, [add, read(2)], 'ok')
  await verdicts(t, [add, read(5)], 'illegal')
  await verdicts(t, [add, read(0)], 'illegal')
  await verdicts(t, [add, read(0, 1)], 'ok')
  await verdicts(t, [add, other, read(5)], 'ok')
  await verdicts(t, [add, other, read(2)], 'ok')
})

t.test('check() of a counter takes one that is absent for 0', async (t) => {
  const read = (client: number, start: number) =>
    weak({ client, op: 'read', out: null, start, end: start + 1 })
  const add = weak({ op: 'add', arg: 2, out: 2, start: 3, end: 4 })
  await verdicts(t, [read(0, 1), read(1, 5)], 'ok')
  await verdicts(t, [read(0, 1), add, read(1, 5)], 'ok')
  await verdicts(t, [add, read(0, 5)], 'illegal')
})

t.test('check() of a counter asks for what was seen by another field', async (t) => {
  const history = [
    weak({ op: 'add', arg: 1, out: 1, start: 1, end: 2 }),
    weak({ op: 'write', key: 's.flag', arg: 'up', start: 3, end: 4 }),
    weak({ client: 1, op: 'read', key: 's.flag', out: 'up', start: 5, end: 6 }),
    weak({ client: 1, op: 'read', out: 0, start: 7, end: 8 }),
  ]
  await verdicts(t, history, 'illegal')
  t.equal(check(history).parts[0]?.window?.operations.length, 4)
  await verdicts(t, history.toSpliced(2, 1), 'ok')
})

t.test('check() of a counter finds one that goes back', async (t) => {
  const history = [
    weak({ op: 'add', arg: 1, start: 1, end: 2, out: 1 }),
    weak({ client: 1, op: 'read', out: 1, start: 3, end: 4 }),
    weak({ client: 1, op: 'read', out: 0, start: 5, end: 6 }),
  ]
  await verdicts(t, history, 'illegal')
})
