/** What threads of a node read of that which the machines order. */
import t from 'tap'
import { LocalObjects } from '../../lib/client/local-objects.ts'
import { Published } from '../../lib/hub/published.ts'
import { linFastRead } from '../../lib/protocol/lin-fast-read.ts'
import { leaseWordOf } from '../../lib/wire/lease-word.ts'
import type { LinFastReadMessage } from '../../lib/wire/lin-fast-read-messages.ts'
import type { MemoryAnswer, SharedStore } from '../../lib/wire/memory-messages.ts'
import { createHubWords, ThreadWords, wordLease } from '../../lib/wire/shared-words.ts'

/** A hub's memory, and a thread that reads it. */
function stage() {
  const hubWords = createHubWords()
  Atomics.store(hubWords, wordLease, leaseWordOf(Infinity))
  const { words: threadWords } = new ThreadWords()
  const published = new Published(hubWords)
  published.memory.attach(threadWords)
  const objects = new LocalObjects({ hubWords, threadWords })
  /** As handles do it: what the object wants of the hub comes at once. */
  const read = (store: SharedStore, name: string, field: string): unknown => {
    const object = objects.of(store, name)
    for (;;) {
      const found = object.read(field)
      if (found !== undefined) return found.value
      const wanted = object.wants(field)
      if (wanted === undefined) return 'ask'
      const answer: MemoryAnswer =
        wanted[0] === 'segment' ? published.segment(wanted[1]) : published.open(wanted, () => [])
      object.provide(wanted, answer as never)
    }
  }
  return { published, objects, read }
}

t.test('A field that one step changes twice shows what was said last', async (t) => {
  const { published, read } = stage()
  t.equal(read('lin-fast-read', 'o', 'x'), undefined)
  const of = { object: 'o', field: 'x' }
  published.show('lin-fast-read', [
    { ...of, state: [1, 'old'], isValid: true },
    { ...of, state: [0, undefined], isValid: false },
  ])
  t.equal(read('lin-fast-read', 'o', 'x'), 'ask', 'it is about to change')
  published.show('lin-fast-read', [
    { ...of, state: [0, undefined], isValid: false },
    { ...of, state: [2, 'new'], isValid: true },
    { object: 'o', field: 'y', state: [2, 'other'], isValid: true },
    { ...of, state: [3, 'newest'], isValid: true },
  ])
  t.equal(read('lin-fast-read', 'o', 'x'), 'newest')
  t.equal(read('lin-fast-read', 'o', 'y'), 'other')
  t.equal(published.memory.stats().liveRecords, 2)
})

t.test('A view that comes late does not show what a held update has invalidated', async (t) => {
  const { published, read } = stage()
  const state = linFastRead.initial({ place: 0, founders: 2, placement: 'first' })
  const feed = (from: number, ...message: LinFastReadMessage): void => take({ from, message })
  const take = (what: { from: number; message: LinFastReadMessage } | number[]): void => {
    const input = Array.isArray(what)
      ? ({ type: 'view', view: { epoch: what.length > 2 ? 1 : 2, members: what } } as const)
      : ({ type: 'message', ...what } as const)
    const outputs = linFastRead.step(state, { ...input, mayServe: true })
    published.show(
      'lin-fast-read',
      outputs.filter((output) => output.type === 'cell'),
    )
  }
  take([0, 1, 2])
  t.equal(read('lin-fast-read', 'o', 'x'), undefined)
  // Place 1 is lost, which place 2 has heard already: it takes over, and a write comes to it.
  feed(2, 'restore', 2, 'o', 1, true, true, [['x', 7, 'old']], [], [])
  feed(2, 'synced', 2)
  feed(2, 'invalidate', 2, 'o', 2, [['x', 9, 'new']], [], [2, 1, 9], 1, [])
  take([0, 2])
  t.equal(read('lin-fast-read', 'o', 'x'), 'ask', 'it was acknowledged, and may be answered')
  feed(2, 'validate', 2, 'o', 2)
  t.equal(read('lin-fast-read', 'o', 'x'), 'new')
})

t.test('Objects beyond the bound are read by message', async (t) => {
  const published = new Published(createHubWords(), 2)
  const open = (name: string): MemoryAnswer =>
    published.open(['open', 'strict', name, 0, 0], () => [])
  t.match(open('one'), [1, 0])
  t.match(open('two'), [1, 0])
  t.equal(open('three'), 0)
  t.match(open('one'), [1, 0], 'those that there are stay')
})
