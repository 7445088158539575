/**
 * The contract of `lib/transport/contract.ts` as tests: every transport runs them. A transport is
 * given as a function that makes the two ends of one link.
 */
import type { Test } from 'tap'
import { storedInlineBytesMax } from '../../lib/limits.ts'
import type { Link, LinkEnd, LinkListener } from '../../lib/transport/contract.ts'
import type { LinkMessage } from '../../lib/wire/messages.ts'

/** Makes a link; `release` ends what is left of it. */
export type MakeLink = () => Promise<{ ends: [LinkEnd, LinkEnd]; release?: () => Promise<void> }>

/** One side of a link: remembers what it hears, and lets a test wait for it. */
class Side implements LinkListener {
  readonly link: Link
  readonly messages: LinkMessage[] = []
  readonly endings: (Error | undefined)[] = []
  /** What had been received when the end was told. */
  beforeEnd = -1
  #look: () => void = () => {}

  constructor(end: LinkEnd) {
    this.link = end.open(this)
  }

  received(messages: readonly LinkMessage[]): void {
    this.messages.push(...messages)
    this.#look()
  }

  closed(error?: Error): void {
    this.endings.push(error)
    this.beforeEnd = this.messages.length
    this.#look()
  }

  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (holds()) resolve()
      }
      this.#look()
    })
  }

  heard(count: number): Promise<void> {
    return this.until(() => this.messages.length >= count)
  }

  ended(): Promise<void> {
    return this.until(() => this.endings.length > 0)
  }
}

const message = (call: number): LinkMessage => ['waiting', 1, call]
const callsOf = (messages: readonly LinkMessage[]): unknown[] => messages.map((one) => one[2])
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

type LinkTest = (t: Test, a: Side, b: Side) => Promise<void>

/** By what they show. */
const tests: Readonly<Record<string, LinkTest>> = {
  async 'messages arrive whole, once and in order, in both directions'(t, a, b) {
    for (const call of range(2000)) {
      a.link.send(message(call))
      b.link.send(message(-call))
      if (call % 7 === 0) a.link.flush()
      if (call % 100 === 0) b.link.flush()
      if (call % 500 === 0) await new Promise(setImmediate)
    }
    a.link.flush()
    b.link.flush()
    await Promise.all([a.heard(2000), b.heard(2000)])
    t.same(callsOf(b.messages), range(2000))
    t.same(
      callsOf(a.messages),
      range(2000).map((call) => -call),
    )
  },

  async 'every kind of content arrives as it was'(t, a, b) {
    const large = new Uint8Array(new SharedArrayBuffer(storedInlineBytesMax + 1)).fill(7)
    const sent: LinkMessage[] = [
      ['need', ['nöde \u{1f600}']],
      ['reply', 1, 2, [5, 'text']],
      ['reply', 1, 3, [0, undefined]],
      ['reply', 1, 4, [[...'ab'].map((field) => field)].flat()],
      [
        'request',
        65_536,
        2 ** 40,
        2 ** 50,
        3,
        true,
        ['set', 'o', 'f', Uint8Array.of(1), [['l', 2]]],
        2 ** 33,
      ],
      ['request', 1, 1, 0, 0, false, ['set', 'o', 'f', large, null], 0],
      [
        'request',
        1,
        1,
        0,
        0,
        false,
        ['set', 'o', 'f', new Uint8Array(storedInlineBytesMax), null],
        0,
      ],
      ['request', 1, 1, 0, 0, false, ['add', 'o', 'f', -1.5, null], 0],
    ]
    for (const one of sent) a.link.send(one)
    a.link.flush()
    await b.heard(sent.length)
    t.same(JSON.stringify(b.messages.slice(0, 5)), JSON.stringify(sent.slice(0, 5)))
    const values = b.messages.slice(4, 7).map((one) => (one[6] as readonly unknown[])[3])
    const lengths = [1, storedInlineBytesMax + 1, storedInlineBytesMax]
    t.same(
      values.map((value) => (value as Uint8Array).byteLength),
      lengths,
    )
    t.equal((values[1] as Uint8Array)[storedInlineBytesMax], 7)
    t.same(b.messages[7], sent[7])
  },

  async 'nothing leaves before flush()'(t, a, b) {
    a.link.send(message(1))
    t.equal(a.link.backlog, 1)
    await new Promise(setImmediate)
    t.same(b.messages, [])
    a.link.flush()
    await b.heard(1)
  },

  async 'backlog grows with what is sent, and falls when it is taken'(t, a, b) {
    for (const call of range(50)) a.link.send(message(call))
    t.equal(a.link.backlog, 50)
    a.link.flush()
    t.equal(a.link.backlog, 50)
    await b.heard(50)
    // What the other end has taken is told with what it sends, or before.
    while (a.link.backlog > 0) await new Promise(setImmediate)
    t.equal(b.link.backlog, 0)
  },

  async 'closing ends both sides once, after the last message'(t, a, b) {
    for (const call of range(100)) a.link.send(message(call))
    a.link.close()
    a.link.close()
    await Promise.all([a.ended(), b.ended()])
    t.equal(b.beforeEnd, 100)
    b.link.close()
    await new Promise(setImmediate)
    t.same([a.endings.length, b.endings.length], [1, 1])
    t.same([a.endings[0], b.endings[0]], [undefined, undefined], 'somebody asked for it')
  },

  async 'sending after the end does nothing and throws nothing'(t, a, b) {
    b.link.close()
    await Promise.all([a.ended(), b.ended()])
    for (const side of [a, b]) {
      side.link.send(message(1))
      side.link.flush()
    }
    await new Promise(setImmediate)
    t.same([a.messages, b.messages], [[], []])
  },
}

/** What is sent while only one end listens. */
async function testLateListener(t: Test, makeLink: MakeLink): Promise<void> {
  const { ends, release } = await makeLink()
  const a = new Side(ends[0])
  a.link.send(message(1))
  a.link.flush()
  await new Promise(setImmediate)
  const b = new Side(ends[1])
  await b.heard(1)
  t.same(callsOf(b.messages), [1])
  a.link.close()
  await Promise.all([a.ended(), b.ended()])
  await release?.()
}

/** Runs the tests of the contract in a test of the transport. */
export async function testTransport(t: Test, makeLink: MakeLink): Promise<void> {
  for (const [title, act] of Object.entries(tests)) {
    await t.test(title, async (t) => {
      const { ends, release } = await makeLink()
      const [a, b] = [new Side(ends[0]), new Side(ends[1])]
      try {
        await act(t, a, b)
      } finally {
        a.link.close()
        b.link.close()
        await Promise.all([a.ended(), b.ended()])
        await release?.()
      }
    })
  }
  await t.test('what is sent before the other end listens is not lost', (t) =>
    testLateListener(t, makeLink),
  )
}
