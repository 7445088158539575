/** `sequential`, against the definition. */
import t from 'tap'
import { check } from '../../lib/check.ts'
import type { HistoryOperation } from '../../lib/history/format.ts'
import { isSequential } from './brute-force.ts'
import { Chance, type RandomOptions, randomHistory, randomReads, show } from './histories.ts'

const seeds = 1_000

const few: RandomOptions = {
  clients: 3,
  operations: 7,
  keys: ['s.x', 's.y'],
  kinds: ['read', 'read', 'write'],
  lost: 0.1,
  lies: 0.25,
  isUnique: false,
}

const mixes: Readonly<Record<string, (chance: Chance) => HistoryOperation[]>> = {
  'reads of anything': (chance) => randomReads(chance, { clients: 3, operations: 8, fields: 2 }),
  registers: (chance) => randomHistory(chance, few),
  'unique writes': (chance) => randomHistory(chance, { ...few, isUnique: true, lost: 0.2 }),
  cas: (chance) => randomHistory(chance, { ...few, kinds: ['read', 'write', 'cas', 'cas'] }),
  counters: (chance) => randomHistory(chance, { ...few, kinds: ['read', 'add'], operations: 6 }),
  everything: (chance) =>
    randomHistory(chance, { ...few, kinds: ['read', 'write', 'cas', 'add', 'delete', 'delete'] }),
  'many lost answers': (chance) =>
    randomHistory(chance, { ...few, kinds: ['read', 'write', 'cas', 'delete'], lost: 0.4 }),
}

for (const [name, make] of Object.entries(mixes)) {
  t.test(`check() sequential agrees with the definition: ${name}`, async (t) => {
    const counts = { ok: 0, illegal: 0, unknown: 0 }
    for (let seed = 1; seed <= seeds; seed += 1) {
      const history = make(new Chance(seed))
      const { verdict, parts } = check(history, { model: 'sequential' })
      counts[verdict] += 1
      if (verdict !== (isSequential(history) ? 'ok' : 'illegal')) {
        return t.fail(`seed ${seed}: ${verdict}\n${show(history)}`)
      }
      const window = parts[0]?.window?.operations
      const fault = window && faultOfWindow(window)
      if (fault !== undefined) {
        return t.fail(`seed ${seed}: ${fault}\n${show(history)}\n\n${show(window ?? [])}`)
      }
    }
    t.ok(counts.ok > seeds / 10, `some were right: ${counts.ok}`)
    t.ok(counts.illegal > seeds / 10, `some were wrong: ${counts.illegal}`)
  })
}

function faultOfWindow(window: readonly HistoryOperation[]): string | undefined {
  if (isSequential(window)) return 'the window is legal'
  for (const [index, each] of window.entries()) {
    const isRead = each.op === 'read' || !each.ok
    if (isRead && !isSequential(window.toSpliced(index, 1))) {
      return `can do without ${JSON.stringify(each)}`
    }
  }
  return undefined
}
