/** What a thread reads by itself of what it has written, and of what it has asked for. */
import t from 'tap'
import { LocalObjects } from '../../lib/client/local-objects.ts'
import { Published } from '../../lib/hub/published.ts'
import type { SharedStore } from '../../lib/wire/memory-messages.ts'
import { createHubWords, ThreadWords } from '../../lib/wire/shared-words.ts'

/** A thread whose hub shows one field, `x`, with the value that it is told to. */
function stage() {
  const hubWords = createHubWords()
  const { words: threadWords } = new ThreadWords()
  const published = new Published(hubWords)
  published.memory.attach(threadWords)
  const objects = new LocalObjects({ hubWords, threadWords })
  let version = 0
  const show = (store: SharedStore, object: string, value: number): void => {
    version += 1
    published.show(store, [{ object, field: 'x', state: [version, value], isValid: true }])
  }
  const open = (store: SharedStore, name: string) => {
    const object = objects.of(store, name)
    object.read('x')
    const wanted = object.wants('x')
    if (wanted?.[0] === 'open') object.provide(wanted, published.open(wanted, () => []) as never)
    show(store, name, 0)
    object.read('x')
    const segment = object.wants('x')
    if (segment?.[0] === 'segment') object.provide(segment, published.segment(0) as never)
    return object
  }
  return { objects, threadWords, show, open }
}

t.test('A one-way write is read until its own store has taken it', async (t) => {
  const { objects, threadWords, open } = stage()
  const fifo = open('weak', 'o')
  const causal = open('weak-causal', 'o')
  t.equal(fifo.read('x')?.value, 0)
  fifo.sent('x', 1)
  causal.sent('x', 2)
  // The window of one store is full; the other has room.
  Atomics.add(threadWords, objects.oneWay('weak-causal').wordTaken, 1)
  t.equal(fifo.read('x')?.value, 1)
  t.equal(causal.read('x')?.value, 0, 'what the hub shows')
  Atomics.add(threadWords, objects.oneWay('weak').wordTaken, 1)
  t.equal(fifo.read('x')?.value, 0)
})

t.test('No object of a log is read here while a release has no answer', async (t) => {
  const { open, show } = stage()
  const one = open('update-on-release', 'one')
  const other = open('update-on-release', 'other')
  const apart = open('strict', 'other')
  t.equal(other.read('x')?.value, 0)
  t.equal(other.quick('x')?.value, 0)
  let answer = (): void => {}
  const answered = new Promise<void>((resolve) => {
    answer = resolve
  })
  one.unanswered(['y'], answered)
  t.equal(other.quick('x'), undefined)
  t.equal(other.read('x'), undefined)
  t.equal(other.wants('x'), undefined, 'the hub is asked for the field')
  t.equal(one.read('x'), undefined)
  t.equal(apart.read('x')?.value, 0, 'other stores show no log')
  show('update-on-release', 'other', 5)
  answer()
  await answered
  t.equal(other.read('x')?.value, 5)
})
