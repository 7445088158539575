/** Histories of thousands of operations: their verdicts, and how long they take. */
import process from 'node:process'
import t from 'tap'
import { check, parseHistory } from '../../lib/check.ts'
import type { HistoryOperation } from '../../lib/history/format.ts'
import { Chance, operation, randomHistory, show } from './histories.ts'
import { isLinearizableByZones } from './zones.ts'

const large = {
  clients: 8,
  operations: 10_000,
  keys: Array.from({ length: 20 }, (_, index) => `s.field${index}`),
  kinds: ['read', 'read', 'write', 'cas', 'add', 'delete'] as const,
  lost: 0,
  lies: 0,
  isUnique: false,
}

/** In milliseconds of the processor: a busy machine may let any of it wait for seconds. */
function timed<T>(act: () => T): { readonly ms: number; readonly result: T } {
  const begin = process.cpuUsage()
  const result = act()
  const { user, system } = process.cpuUsage(begin)
  return { ms: (user + system) / 1000, result }
}

t.test('check() of 10,000 operations takes little more than to read them', async (t) => {
  const text = show(randomHistory(new Chance(1), large))
  parseHistory(text)
  const read = timed(() => parseHistory(text))
  const checked = timed(() => check(read.result))
  t.equal(checked.result.verdict, 'ok')
  t.equal(checked.result.parts.length, 20)
  // Seen: 3 to 6 times. Without the memo, or with a scan of all operations in a step: thousands.
  t.ok(checked.ms < 60 * read.ms + 500, `read ${read.ms} ms, checked ${checked.ms} ms`)
})

t.test('check() decides where hundreds of answers were lost', async (t) => {
  const kinds = ['read', 'read', 'write', 'cas', 'add'] as const
  const history = randomHistory(new Chance(2), { ...large, kinds, lost: 0.03 })
  t.ok(history.filter(({ end }) => end < 0).length > 150)
  t.equal(check(history, { stepsMax: 1_000_000 }).verdict, 'ok')
})

/** A read that is given what its field held some writes ago. */
function spoil(history: readonly HistoryOperation[], chance: Chance): HistoryOperation[] {
  for (;;) {
    const index = chance.below(history.length)
    const read = history[index] as HistoryOperation
    const before = history.filter(
      ({ op, key, end, arg }) =>
        op === 'write' && key === read.key && end < read.start && arg !== read.out,
    )
    const overwritten = before.at(-9)
    if (read.op !== 'read' || overwritten === undefined) continue
    return history.with(index, { ...read, out: overwritten.arg ?? null })
  }
}

t.test('check() finds one false answer among thousands, and shows a few operations', async (t) => {
  const kinds = ['read', 'read', 'write'] as const
  const options = { ...large, operations: 3_000, kinds, isUnique: true }
  for (let seed = 1; seed <= 10; seed += 1) {
    const chance = new Chance(seed)
    const right = randomHistory(chance, options)
    t.equal(check(right).verdict, 'ok', `seed ${seed}`)
    const wrong = spoil(right, chance)
    const { verdict, parts } = check(wrong)
    t.equal(verdict, 'illegal', `seed ${seed}`)
    const window = parts.find((part) => part.window)?.window?.operations ?? []
    t.ok(window.length <= 6, `${window.length} operations`)
    const isHere = window.some((each) => !right.includes(each))
    t.ok(isHere, 'the false one is among them')
  }
})

t.test('check() agrees with a judge that does not search', async (t) => {
  const counts = { ok: 0, illegal: 0, unknown: 0 }
  for (let seed = 1; seed <= 600; seed += 1) {
    const history = randomHistory(new Chance(seed), {
      ...large,
      clients: 2 + (seed % 6),
      operations: 10 + (seed % 90),
      keys: ['s.x'],
      kinds: ['read', 'read', 'write'],
      lies: 0.02,
      isUnique: true,
    })
    const { verdict } = check(history)
    counts[verdict] += 1
    if (verdict !== (isLinearizableByZones(history) ? 'ok' : 'illegal')) {
      return t.fail(`seed ${seed}: ${verdict}\n${show(history)}`)
    }
  }
  t.ok(counts.ok > 60 && counts.illegal > 60, JSON.stringify(counts))
})

/** Clients that read a log of writes, each some way behind its end. */
function lagging(chance: Chance, operations: number): HistoryOperation[] {
  const log: HistoryOperation[] = []
  const seen = Array.from({ length: 6 }, () => 0)
  return Array.from({ length: operations }, (_, index) => {
    const client = chance.below(seen.length)
    const key = `s.${chance.below(8)}`
    const base = { store: 'update-on-release' as const, client, key, start: 2 * index }
    const given = { ...base, end: 2 * index + 1 }
    if (chance.next() < 0.3) {
      const write = operation({ ...given, op: 'write', arg: index })
      seen[client] = log.push(write)
      return write
    }
    seen[client] = Math.max(seen[client] as number, log.length - chance.below(40))
    const last = log.slice(0, seen[client]).findLast((write) => write.key === key)
    return operation({ ...given, op: 'read', out: last?.arg ?? null })
  })
}

t.test('check() decides sequential, causal and fifo of thousands of operations', async (t) => {
  const history = lagging(new Chance(3), 1_500)
  t.equal(check(history, { model: 'linearizable' }).verdict, 'illegal', 'it is behind')
  const wrong = spoil(history, new Chance(4))
  for (const model of ['sequential', 'causal', 'fifo'] as const) {
    t.equal(check(history, { model }).verdict, 'ok', model)
    const { verdict, parts } = check(wrong, { model })
    t.equal(verdict, 'illegal', model)
    const size = parts[0]?.window?.operations.length ?? 0
    t.ok(size > 0 && size <= 30, `${model}: ${size} operations`)
  }
})
