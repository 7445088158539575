/** `linearizable`, against the definition and against histories whose verdict is known. */
import t from 'tap'
import { check } from '../../lib/check.ts'
import type { HistoryOperation } from '../../lib/history/format.ts'
import { isLinearizable } from './brute-force.ts'
import { Chance, operation, type RandomOptions, randomHistory, show } from './histories.ts'

const registers: RandomOptions = {
  clients: 3,
  operations: 6,
  keys: ['s.x'],
  kinds: ['read', 'read', 'write'],
  lost: 0.1,
  lies: 0.15,
  isUnique: false,
}

const mixes: Readonly<Record<string, Partial<RandomOptions>>> = {
  registers: {},
  'registers with unique writes': { isUnique: true, operations: 7 },
  'two fields': { keys: ['s.x', 's.y'], operations: 7 },
  cas: { kinds: ['read', 'write', 'cas', 'cas'] },
  counters: { kinds: ['read', 'add', 'add'] },
  everything: { kinds: ['read', 'write', 'cas', 'add', 'delete', 'delete'] },
  'many lost answers': { kinds: ['read', 'read', 'write', 'cas', 'add', 'delete'], lost: 0.4 },
  'lost writes': { lost: 0.5, operations: 8, isUnique: true },
}

const seeds = 1_500

for (const [name, mix] of Object.entries(mixes)) {
  t.test(`check() linearizable agrees with the definition: ${name}`, async (t) => {
    const counts = { ok: 0, illegal: 0, unknown: 0 }
    for (let seed = 1; seed <= seeds; seed += 1) {
      const history = randomHistory(new Chance(seed), { ...registers, ...mix })
      const { verdict, parts } = check(history, { model: 'linearizable' })
      counts[verdict] += 1
      const expected = isLinearizable(history) ? 'ok' : 'illegal'
      if (verdict !== expected) return t.fail(`seed ${seed}: ${verdict}\n${show(history)}`)
      for (const { window } of parts) {
        if (window === undefined) continue
        const fault = faultOfWindow(window.operations)
        if (fault !== undefined) {
          return t.fail(`seed ${seed}: ${fault}\n${show(history)}\n\n${show(window.operations)}`)
        }
      }
    }
    t.ok(counts.ok > seeds / 10, `some were right: ${counts.ok}`)
    t.ok(counts.illegal > seeds / 10, `some were wrong: ${counts.illegal}`)
  })
}

/** A window is illegal; and if any operation goes, legal, or someone sees what nobody wrote. */
function faultOfWindow(window: readonly HistoryOperation[]): string | undefined {
  if (isLinearizable(window)) return 'the window is legal'
  for (const [index, each] of window.entries()) {
    const rest = window.toSpliced(index, 1)
    const isWriter = !['read'].includes(each.op) && each.ok
    if (!isWriter && !isLinearizable(rest)) return `can do without ${JSON.stringify(each)}`
  }
  return undefined
}

t.test('check() finds a mutual exclusion that did not hold', async (t) => {
  const history = [
    operation({ client: 0, op: 'acquire', out: 1, start: 0, end: 1 }),
    operation({ client: 1, op: 'acquire', out: 2, start: 2, end: 3 }),
    operation({ client: 0, op: 'release', arg: 1, start: 4, end: 5 }),
    operation({ client: 1, op: 'release', arg: 2, start: 6, end: 7 }),
  ]
  t.equal(check(history).verdict, 'illegal')
  t.equal(check(history.toSpliced(2, 1)).verdict, 'ok', 'a lease may have ended')
})
