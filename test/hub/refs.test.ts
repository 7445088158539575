/** What the driver of refs makes of what other nodes say, be it nonsense. */
import t from 'tap'
import { Refs } from '../../lib/hub/refs.ts'
import { refsPerNode } from '../../lib/limits.ts'
import type { Answer, LinkMessage, Payload } from '../../lib/wire/messages.ts'
import type { RefMessage } from '../../lib/wire/ref-messages.ts'

const here = 1
const there = 2
const client = 7
const theirs = there * refsPerNode + 1
const own = here * refsPerNode + 1

function rig() {
  const sent: LinkMessage[] = []
  const answers: (readonly [call: number, answer: Answer])[] = []
  const refused: number[] = []
  const refs = new Refs(here, {
    replies: {
      answer: (_client, call, answer) => void answers.push([call, answer]),
      refuse: (_client, call) => void refused.push(call),
      parked() {},
    },
    send: (_place, message) => {
      sent.push(message)
      return true
    },
  })
  const result = (payload: unknown): void =>
    refs.coming(there, ['result', 1, payload as Payload], () => {})
  return { refs, sent, answers, refused, result }
}

const value = [new Uint8Array(8)]
const protocol = { code: 'ERR_GOAWAY_PROTOCOL' }

t.test('Refs: nonsense of another node is refused, and changes nothing', async (t) => {
  const { refs, answers, result } = rig()
  refs.told(client, ['put', own, value])
  refs.leaving(there, ['order', 1, 0, 0, 0, 1, 0, [null, [own], '']])
  const nonsense: readonly (readonly unknown[])[] = [
    ['arrived', 5],
    ['arrived', [own, -1]],
    ['drop', own, Number.NaN],
    ['drop', own, -1],
    ['drop', theirs, 1],
    ['hold', 0.5],
    ['fetch', theirs],
    ['held', own],
    ['gone', own],
    ['free', own],
    ['data', own, value],
    ['data', theirs, []],
    ['data', theirs, [[]]],
    ['other', own],
  ]
  for (const message of nonsense) {
    const shown = JSON.stringify(message)
    t.throws(() => refs.received(there, message as unknown as RefMessage), protocol, shown)
  }
  t.throws(() => result([null, 3, '']), protocol)
  t.throws(() => result([null]), protocol)
  refs.asked(client, 1, own)
  t.equal(answers.length, 1)
  refs.told(client, ['drop', own])
  t.equal(refs.counts().refs, 1, 'the other node holds it still')
  refs.received(there, ['drop', own, 1])
  t.same(refs.counts(), { refs: 0, refBytes: 0 })
})

t.test('Refs: a value that nobody here waits for is not kept', async (t) => {
  const { refs, answers } = rig()
  refs.received(there, ['data', theirs, value])
  t.same(refs.counts(), { refs: 0, refBytes: 0 })
  refs.coming(there, ['value', 1, [null, [theirs], '']], () => {
    refs.delivering(client, [null, [theirs], ''])
  })
  refs.told(client, ['take', theirs])
  refs.asked(client, 1, theirs)
  refs.received(there, ['data', theirs, value])
  refs.received(there, ['data', theirs, [new Uint8Array(1), new Uint8Array(20_000)]])
  t.same(answers.length, 1)
  t.equal(refs.counts().refBytes, 8)
  refs.told(client, ['delivered', [theirs]])
  refs.told(client, ['drop', theirs])
  t.same(refs.counts(), { refs: 1, refBytes: 8 }, 'another routine may bring the ref again')
  refs.received(there, ['free', theirs])
  t.same(refs.counts(), { refs: 0, refBytes: 0 })
})

t.test('Refs: an object that comes late, of a copy that nothing holds, is told of', async (t) => {
  const { refs, sent } = rig()
  refs.coming(there, ['order', 1, [null, [theirs], '']] as never, () => {})
  refs.told(client, ['take', theirs])
  refs.asked(client, 1, theirs)
  refs.received(there, ['data', theirs, value])
  refs.told(client, ['drop', theirs])
  refs.leaving(there, ['result', 1, [null, [], '']] as never)
  t.same(sent.splice(0), [
    ['ref', ['fetch', theirs]],
    ['ref', ['drop', theirs, 1]],
  ])
  // The node that sent the ref once more was lost before the thread looked at its arguments.
  refs.told(client, ['take', theirs])
  t.same(sent.splice(0), [['ref', ['hold', theirs]]])
  refs.received(there, ['held', theirs])
  refs.told(client, ['drop', theirs])
  t.same(sent, [['ref', ['drop', theirs, 1]]])
})

t.test('Refs: a copy is let go when its owner is lost', async (t) => {
  const { refs } = rig()
  refs.coming(there, ['order', 1, [null, [theirs], '']] as never, () => {})
  refs.told(client, ['take', theirs])
  refs.asked(client, 1, theirs)
  refs.received(there, ['data', theirs, value])
  refs.told(client, ['drop', theirs])
  t.same(refs.counts(), { refs: 1, refBytes: 8 }, 'the routine has it')
  refs.leaving(there, ['result', 1, [null, [], '']] as never)
  t.same(refs.counts(), { refs: 1, refBytes: 8 })
  refs.nodeLost(there)
  t.same(refs.counts(), { refs: 0, refBytes: 0 })
})

t.test('Refs: what came with a message that could not be taken is let go', async (t) => {
  const { refs, sent } = rig()
  const fail = (): never => {
    throw new Error('not taken')
  }
  t.throws(() => refs.coming(there, ['result', 1, [null, [theirs], '']], fail), /not taken/)
  t.same(refs.counts(), { refs: 0, refBytes: 0 })
  t.same(sent, [['ref', ['drop', theirs, 1]]])
})
