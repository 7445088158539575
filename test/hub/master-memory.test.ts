/** What a master shows to threads of its own node. */
import t from 'tap'
import { Master } from '../../lib/hub/master.ts'
import { Published } from '../../lib/hub/published.ts'
import { ObjectCells } from '../../lib/memory/object-cells.ts'
import { ReplicaReader } from '../../lib/memory/replica-reader.ts'
import type { Answer, Operation } from '../../lib/wire/messages.ts'
import { createHubWords, ThreadWords } from '../../lib/wire/shared-words.ts'

t.test('a write that changes nothing leaves readers what they have decoded', async (t) => {
  const hubWords = createHubWords()
  const published = new Published(hubWords)
  let answered: Answer = null
  const replies = {
    answer: (_client: number, _call: number, answer: Answer): void => {
      answered = answer
    },
    refuse: () => t.fail('it was refused'),
    parked: () => t.fail('it waits'),
  }
  const master = new Master(replies, undefined, undefined, published)
  const ask = (operation: Operation): Answer => {
    master.request({ client: 1, call: 1, owner: 0, thread: 0, blocking: false, operation })
    return answered
  }
  ask(['set', 'o', 'x', 1, null])
  const { words } = new ThreadWords()
  published.memory.attach(words)
  const segment = (index: number) => published.memory.segment(index)
  const decode = () => ({ value: undefined, shareable: true })
  const reader = new ReplicaReader({ hubWords, threadWords: words, decode, segment })
  const blocks = () => (ask(['open', 'strict', 'o', 0, 0]) as unknown[]).slice(2)
  const cells = new ObjectCells(reader, { blocks: () => blocks() as SharedArrayBuffer[] })
  t.match(cells.find('x'), { value: 1 })
  const cell = cells.cells.get('x')
  if (cell === undefined) return t.fail('it has no cell')
  const isSame = (): boolean => Atomics.load(cell.words, cell.at) === cell.word
  t.same((ask(['compareAndSet', 'o', 'x', 7, 2, null]) as unknown[])[0], false)
  ask(['init', 'o', [['x', 5]]])
  t.ok(isSame(), 'nothing is to be read anew')
  ask(['set', 'o', 'x', 2, null])
  t.notOk(isSame())
  t.match(cells.find('x'), { value: 2 })
  ask(['delete', 'o', 'x', null])
  t.match(cells.find('x'), { version: 0 })
})
