// A replica in shared memory, written and read in one thread. Rules: docs/replicas.md.
import t from 'tap'
import { encodeStored } from '../../lib/client/values.ts'
import { absentCell, type CellRead } from '../../lib/memory/object-cells.ts'
import type { CellRow } from '../../lib/memory/replica-writer.ts'
import type { EncodedValue } from '../../lib/wire/messages.ts'
import { Chance } from '../check/histories.ts'
import { absentRow, lockedRow, row, Stage } from './replica-stage.ts'

const key = 'weak\0o'

t.test('a field is read as it was shown, until it is shown anew', async (t) => {
  const { writer, ...stage } = pair()
  const cells = stage.open()
  t.equal(cells.find('x'), undefined, 'not published: ask the hub')
  writer.publish(key, [row('x', 1, 'one')])
  t.match(cells.find('x'), { version: 1, value: 'one' })
  t.equal(cells.find('y'), absentCell)
  writer.show(key, [row('x', 2, 'two'), row('y', 3, 3)])
  t.match(cells.find('x'), { version: 2, value: 'two' })
  t.match(cells.find('y'), { version: 3, value: 3 })
  writer.show(key, [lockedRow('x')])
  t.equal(cells.find('x'), undefined, 'locked: ask the hub')
  t.match(cells.find('y'), { version: 3, value: 3 })
  writer.show(key, [absentRow('x')])
  t.match(cells.find('x'), { version: 0, value: undefined })
})

function pair() {
  const stage = new Stage({ absentCellsMax: 20 })
  const thread = stage.thread()
  return { writer: stage.writer, stage, thread, open: () => thread.open(key) }
}

t.test('a thread that cannot have blocks or segments asks, and reads once it has', async (t) => {
  const { writer, thread, open } = pair()
  writer.publish(key, [row('x', 1, 1)])
  const cells = open()
  thread.isCutOff = true
  t.equal(cells.find('x'), undefined)
  cells.addBlocks(writer.blocks(key, 0))
  t.equal(cells.find('x'), undefined, 'the segment is not known')
  t.equal(cells.find('y'), absentCell)
  thread.reader.addSegment(0, writer.segment(0) as SharedArrayBuffer)
  t.match(cells.find('x'), { version: 1, value: 1 })
  const rows = Array.from({ length: 100 }, (_, index) => row(`field ${index}`, index + 2, index))
  writer.show(key, rows)
  t.equal(cells.find('field 99'), undefined, 'in a block that is not known')
  cells.addBlocks(writer.blocks(key, cells.blocksKnown))
  t.match(cells.find('field 99'), { version: 101, value: 99 })
})

const values: Readonly<Record<string, (chance: Chance) => unknown>> = {
  integer: (chance) => chance.below(1000),
  fraction: (chance) => chance.next() * 10 ** chance.below(300),
  infinite: (chance) => chance.of([Number.NaN, Number.POSITIVE_INFINITY, -0]),
  boolean: (chance) => chance.below(2) === 1,
  nothing: (chance) => chance.of([null, undefined]),
  ascii: (chance) => 'x'.repeat(chance.below(1025)),
  text: (chance) => chance.of(['é', '読', '😀', 'a\0b', '𐐷x']).repeat(chance.below(200)),
  large: (chance) => 'z'.repeat(chance.of([20_000, 60_000, 65_000, 66_000])),
  plain: (chance) => ({ a: chance.below(9), b: [1, 'two', null], c: { d: undefined } }),
  map: (chance) => new Map([[chance.below(9), new Date(chance.below(1e9))]]),
  bytes: (chance) => new Uint8Array(chance.below(5000)).fill(chance.below(256)),
}

interface Shown {
  readonly state: readonly [version: number, value: EncodedValue]
  readonly isValid: boolean
}

/** Changes as a machine makes them: some fields at a time, named anew or known, valid or not. */
function change(chance: Chance, model: Map<string, Shown>, version: number): CellRow[] {
  const names = new Set<string>()
  const known = [...model.keys()]
  for (let count = 1 + chance.below(5); count > 0; count -= 1) {
    names.add(chance.below(3) === 0 || known.length === 0 ? newName(chance) : chance.of(known))
  }
  return [...names].map((field, index): CellRow => {
    const kind = chance.below(12)
    if (kind === 0) return lockedRow(field)
    // At times most of what is there is deleted, so that the object moves.
    if (kind < (version % 400 < 200 ? 3 : 11)) return absentRow(field)
    const value = (values[chance.of(Object.keys(values))] as (typeof values)[string])(chance)
    return row(field, version + index, encodeStored(value, 'a value'))
  })
}

const scripts = ['name', 'größe', '名前', '𝒙😀', '\u0000\u0001', 'Ω𐐷', '\ud800', '\udc00x']

function newName(chance: Chance): string {
  const name = `${chance.of(scripts)}${chance.below(400)}`
  return chance.below(20) === 0 ? name.padEnd(1024, chance.of(['x', '語', '😀'])) : name
}

const isElsewhere = (value: EncodedValue): boolean =>
  value instanceof Uint8Array && value.length > 64 * 1024

for (const seed of [1, 2, 3, 4]) {
  t.test(`what threads read is what a Map holds (seed ${seed})`, async (t) => {
    const chance = new Chance(seed)
    const { writer, stage, open } = pair()
    const readers = [open(), open(), stage.thread().open(key)]
    const model = new Map<string, Shown>()
    writer.publish(key, [])
    let version = 1
    let asked = 0
    for (let step = 0; step < 800; step += 1) {
      const rows = change(chance, model, version)
      version += rows.length
      writer.show(key, rows)
      for (const { field, state, isValid } of rows) {
        model.set(field, { state: [state[0], state[1]], isValid })
      }
      const names = [...rows.map(({ field }) => field), newName(chance)]
      for (const field of names) {
        const shown = model.get(field)
        const read = chance.of(readers).find(field)
        if (read === undefined) asked += 1
        const wrong = mismatch(shown, read)
        if (wrong !== undefined) return t.fail(`step ${step}, ${field}: ${wrong}`)
      }
    }
    t.ok(writer.generation(key) > 1, 'the object has moved')
    t.ok(asked > 100, 'some reads have to ask')
    const live = [...model.values()].filter(
      ({ state: [at, value], isValid }) => isValid && at !== 0 && !isElsewhere(value),
    )
    t.ok(writer.stats().liveRecords >= live.length)
  })
}

function mismatch(shown: Shown | undefined, read: CellRead | undefined): string | undefined {
  const [version, encoded] = shown?.state ?? [0, undefined]
  const isAsked = shown?.isValid === false || isElsewhere(encoded)
  if (isAsked) return read === undefined ? undefined : 'was to be asked for'
  if (read === undefined) return 'was not to be had'
  if (read.version !== version) return `version ${read.version} instead of ${version}`
  const again = encodeStored(read.value, 'what was read')
  return same(again, encoded) ? undefined : `another value: ${String(read.value).slice(0, 80)}`
}

function same(one: EncodedValue, other: EncodedValue): boolean {
  if (!(one instanceof Uint8Array) || !(other instanceof Uint8Array)) return Object.is(one, other)
  return Buffer.compare(one, other) === 0
}
