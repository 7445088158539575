// Steps of docs/protocols/weak.md, one by one; all interleavings are in weak-explore.test.ts.
import t from 'tap'
import type { WeakOutput, WeakParameters, WeakState } from '../../lib/protocol/weak.ts'
import { weak, weakCausal } from '../../lib/protocol/weak.ts'
import type { WeakMessage, WeakOperation } from '../../lib/wire/weak-messages.ts'
import { add, fence, get, init, remove, set, sync } from './weak-scenarios.ts'

let calls = 0

function node(
  place: number,
  members: readonly number[],
  more: Partial<WeakParameters> = {},
): WeakState {
  const state = weak.initial({ place, founders: 2, placement: 'first', ...more })
  weak.step(state, { type: 'view', view: { epoch: 1, members }, mayServe: true })
  return state
}

function ask(state: WeakState, operation: WeakOperation, mayServe = true): readonly WeakOutput[] {
  calls += 1
  const rest = { client: 1, call: calls, owner: 0, thread: 1, blocking: false }
  return weak.step(state, { type: 'request', ...rest, operation, mayServe })
}

function tell(state: WeakState, from: number, message: WeakMessage): readonly WeakOutput[] {
  return weak.step(state, { type: 'message', from, message, mayServe: true })
}

function answerOf(outputs: readonly WeakOutput[]): unknown {
  const found = outputs.find(({ type }) => type === 'answer' || type === 'refuse')
  if (found?.type === 'answer') return found.answer
  return found?.type === 'refuse' ? found.code : undefined
}

const sent = (outputs: readonly WeakOutput[]): unknown[] =>
  outputs.flatMap((each) => (each.type === 'send' ? [[each.to, ...each.message]] : []))

t.test('step 1: a write shows at once, and goes to every other member', async (t) => {
  const state = node(1, [0, 1, 2])
  const outputs = ask(state, set('x', 7))
  const update = [1, 1, null, ['set', 'o', 'x', 7]]
  t.same(outputs, [
    { type: 'cell', object: 'o', field: 'x', state: [1, 7], isValid: true },
    { type: 'send', to: 0, message: ['update', 0, update] },
    { type: 'send', to: 2, message: ['update', 0, update] },
    { type: 'answer', client: 1, call: calls, answer: 1 },
  ])
  t.same(answerOf(ask(state, get('x'))), [1, 7])
  t.same(answerOf(ask(state, ['get', 'o', 'x', 1])), [1], 'what was seen is not sent again')
  t.same(answerOf(ask(state, ['keys', 'o'])), ['x'])
  t.same(answerOf(ask(state, ['entries', 'o'])), [['x', 1, 7]])
})

t.test('step 2: what has no meaning is refused, and says what to use', async (t) => {
  const state = node(1, [0, 1])
  t.equal(answerOf(ask(state, ['replace', 'o', 'x', 0, 1, null])), 'ERR_GOAWAY_UNSUPPORTED')
  const [refusal] = ask(state, ['compareAndSet', 'o', 'x', 0, 1, null])
  t.match(refusal, { type: 'refuse', message: /use add, or a LinFastRead/ })
  ask(state, set('x', 'text'))
  t.equal(answerOf(ask(state, add('x', 1))), 'ERR_GOAWAY_NOT_A_NUMBER')
})

t.test('step 2: a node that may not serve answers nothing, and never again', async (t) => {
  const state = node(1, [0, 1])
  ask(state, set('x', 1))
  const parked = ask(state, sync)
  t.equal(parked.at(-1)?.type, 'parked')
  const call = calls
  const outputs = ask(state, get('x'), false)
  t.match(outputs[0], { type: 'refuse', call, code: 'ERR_GOAWAY_NODE_LOST' })
  t.match(outputs[1], { type: 'refuse', call: calls, code: 'ERR_GOAWAY_NODE_LOST' })
  t.same(tell(state, 0, ['ack', 1]), [])
  t.equal(answerOf(ask(state, get('x'))), 'ERR_GOAWAY_NODE_LOST')
})

t.test('step 3: writes wait while the window is full, and keep their order', async (t) => {
  const state = node(1, [0, 1], { bounds: { windowUpdates: 1, queueMax: 2 } })
  ask(state, set('x', 1))
  t.same(
    ask(state, set('x', 2)).map(({ type }) => type),
    ['parked'],
  )
  const reading = ask(state, get('x'))
  t.same(
    reading.map(({ type }) => type),
    ['parked'],
    'of the same client',
  )
  t.equal(answerOf(ask(state, set('x', 3))), 'ERR_GOAWAY_LIMIT')
  const outputs = tell(state, 0, ['ack', 1])
  t.same(
    outputs.flatMap((each) => (each.type === 'answer' ? [each.answer] : [])),
    [2, [2, 2]],
  )
})

t.test('step 4: an update that was applied is not applied again', async (t) => {
  const state = node(1, [0, 1])
  const update: WeakMessage = ['update', 0, [1, 5, null, ['add', 'o', 'x', [0, 0, false, 0], 1, 3]]]
  tell(state, 0, update)
  tell(state, 0, update)
  t.same(answerOf(ask(state, get('x'))), [1, 3])
  t.same(answerOf(ask(state, add('x', 4))), [true, 2, 7])
})

t.test('step 5: acknowledgements come when they are asked for, or are many', async (t) => {
  const state = node(1, [0, 1], { bounds: { acknowledgeUpdates: 2 } })
  const update = (count: number): WeakMessage => {
    return ['update', 0, [count, count, null, ['set', 'o', 'x', count]]]
  }
  t.same(sent(tell(state, 0, update(1))), [])
  t.same(sent(tell(state, 0, update(2))), [[0, 'ack', 2]])
  t.same(sent(tell(state, 0, ['probe', 3, 0])), [], 'not before it is applied')
  t.same(sent(tell(state, 0, update(3))), [[0, 'ack', 3]])
  t.same(sent(tell(state, 0, ['probe', 3, 9])), [[0, 'pulled', 9, 3, 0]])
})

t.test('sync() asks only those who lack something, and fence() everybody', async (t) => {
  const state = node(1, [0, 1, 2])
  t.equal(answerOf(ask(state, sync)), null, 'nothing to wait for')
  ask(state, set('x', 1))
  tell(state, 0, ['ack', 1])
  t.same(sent(ask(state, sync)), [[2, 'probe', 1, 0]])
  t.same(sent(ask(state, sync)), [], 'it is asked already')
  t.equal(answerOf(tell(state, 2, ['ack', 1])), null)
  t.same(sent(ask(state, fence)), [
    [0, 'probe', 1, 1],
    [2, 'probe', 1, 1],
  ])
  t.equal(answerOf(tell(state, 0, ['pulled', 1, 1, 1])), undefined)
  t.equal(answerOf(tell(state, 2, ['pulled', 1, 1, 0])), undefined, 'an update of 0 is missing')
  t.equal(answerOf(tell(state, 0, ['update', 0, [1, 9, null, ['set', 'o', 'y', 1]]])), null)
})

t.test('step 1: causal needs are told once', async (t) => {
  const state = weakCausal.initial({ place: 1, founders: 2, placement: 'first' })
  weak.step(state, { type: 'view', view: { epoch: 1, members: [0, 1] }, mayServe: true })
  tell(state, 0, ['update', 0, [1, 1, [], ['set', 'o', 'x', 1]]])
  t.same(sent(ask(state, set('y', 1))), [[0, 'update', 0, [1, 2, [[0, 1]], ['set', 'o', 'y', 1]]]])
  t.same(sent(ask(state, set('y', 2))), [[0, 'update', 0, [2, 3, [], ['set', 'o', 'y', 2]]]])
})

t.test('a field shows what its writes make of it, in whatever order they come', async (t) => {
  const state = node(1, [0, 1])
  ask(state, init('x', 8))
  t.same(answerOf(ask(state, init('x', 9))), null)
  t.same(answerOf(ask(state, add('x', 1))), [true, 2, 9])
  t.equal(answerOf(ask(state, remove('x'))), true)
  t.same(answerOf(ask(state, get('x'))), [0, undefined])
  t.equal(answerOf(ask(state, remove('x'))), false)
  ask(state, init('x', 7))
  t.same(answerOf(ask(state, get('x'))), [0, undefined], 'initialised once')
  t.same(answerOf(ask(state, add('x', 2))), [true, 4, 2], 'a new generation')
  tell(state, 0, ['update', 0, [1, 1, null, ['set', 'o', 'x', 100]]])
  t.same(answerOf(ask(state, get('x'))), [4, 2], 'an earlier stamp loses')
  tell(state, 0, ['update', 0, [2, 50, null, ['set', 'o', 'x', 100]]])
  t.same(answerOf(ask(state, get('x'))), [5, 100])
})

t.test('wait is answered by the next change, and not after forget', async (t) => {
  const state = node(1, [0, 1])
  t.equal(ask(state, ['wait', 'o', 'x', 0]).at(-1)?.type, 'parked')
  const given = calls
  ask(state, ['wait', 'o', 'x', 0])
  t.same(weak.step(state, { type: 'forget', client: 1, call: given }), [])
  const outputs = tell(state, 0, ['update', 0, [1, 1, null, ['set', 'o', 'x', 5]]])
  t.same(outputs.slice(1), [{ type: 'answer', client: 1, call: calls, answer: [1, 5] }])
  ask(state, ['wait', 'o', 'x', 1])
  weak.step(state, { type: 'clientLost', client: 1 })
  t.equal(state.waiting.size, 0)
})

t.test('steps 6 to 9: what a lost node told to some comes to all, and to who joins', async (t) => {
  const state = node(0, [0, 1, 2], { founders: 2 })
  const update = [1, 1, null, ['set', 'o', 'x', 1]] as const
  tell(state, 2, ['update', 0, update])
  const view = { epoch: 2, members: [0, 1, 3] }
  const outputs = weak.step(state, { type: 'view', view, mayServe: true })
  t.same(sent(outputs), [
    [1, 'flush', 2, 0, [[2, [update]]]],
    [3, 'flush', 2, 0, [[2, [update]]]],
  ])
  t.same(tell(state, 2, ['update', 0, [2, 2, null, ['set', 'o', 'x', 2]]]), [], 'too late')
  t.same(tell(state, 1, ['flush', 2, 0, []]), [])
  t.same(sent(tell(state, 3, ['flush', 2, 0, []])), [
    [1, 'settled', 2],
    [3, 'settled', 2],
    [
      3,
      'state',
      [['o', 'x', [1, 2, true, 1], []]],
      [
        [2, 1],
        [0, 0],
      ],
      1,
    ],
  ])
  tell(state, 1, ['settled', 2])
  tell(state, 3, ['settled', 2])
  t.equal(state.logs.size, 0)
})
