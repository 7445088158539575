/** When a connection is broken, when a link is over, and who waits for whom; without sockets. */
import t from 'tap'
import {
  frameBytesMax,
  linkLookMs,
  linkLooksMax,
  storedInlineBytesMax,
  unacknowledgedBytesMax,
  writeAheadBytes,
} from '../../lib/limits.ts'
import {
  kindAcknowledge,
  kindFrame,
  kindLarge,
  kindPiece,
  plainRecord,
} from '../../lib/transport/link-record.ts'
import { encodeFrame } from '../../lib/wire/frame.ts'
import type { LinkMessage } from '../../lib/wire/messages.ts'
import { randomOf } from '../hub/random.ts'
import { LinkWorld, record } from './link-world.ts'

const small = (lane: number, call: number): LinkMessage => ['reply', lane, call, null]
const shared = (bytes: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(bytes))
const large = (lane: number, call: number, bytes: number): LinkMessage => [
  'reply',
  lane,
  call,
  [1, shared(bytes)],
]
const callsOf = (messages: readonly LinkMessage[]): unknown[] => messages.map((one) => one[2])

async function world(graceMs = 2000): Promise<LinkWorld> {
  const made = new LinkWorld(graceMs)
  made.connect()
  await Promise.resolve()
  return made
}

t.test('a small message overtakes 256 MiB, and its own lane waits', async (t) => {
  const made = await world()
  const [a, b] = made.ends
  a.link.send(large(1, 1, 256 * 1024 * 1024))
  a.link.flush()
  a.link.send(small(1, 2))
  a.link.send(small(2, 3))
  a.link.flush()
  const connection = a.connection
  t.ok(connection)
  t.ok(
    (connection?.writableLength ?? 0) <= 2 * writeAheadBytes,
    'pieces are made when there is room',
  )
  // One window of the large value passes.
  while (b.messages.length === 0) connection?.deliver(Number.POSITIVE_INFINITY)
  t.same(callsOf(b.messages), [3], 'the other lane did not wait')
  t.equal(b.tcp.received < 20, true, `after ${b.tcp.received} records of more than 2,000`)
  a.link.send(small(3, 4))
  a.link.flush()
  made.settle()
  t.same(callsOf(b.messages), [3, 4, 1, 2])
  const [, value] = (b.messages[2] as LinkMessage)[3] as unknown as [number, Uint8Array]
  t.equal(value.byteLength, 256 * 1024 * 1024)
})

t.test('large values share the way, and the smaller one is there first', async (t) => {
  const made = await world()
  const [a, b] = made.ends
  a.link.send(large(1, 1, 20 * 1024 * 1024))
  a.link.send(large(2, 2, storedInlineBytesMax + 1))
  a.link.flush()
  made.settle()
  t.same(callsOf(b.messages), [2, 1])
})

t.test('what is not acknowledged is bounded, and backlog says how much waits', async (t) => {
  const made = await world()
  const [a, b] = made.ends
  a.link.send(large(1, 1, 64 * 1024 * 1024))
  a.link.flush()
  // The network takes everything, and nothing comes back.
  let bytes = 0
  for (let chunk = a.connection?.written.shift(); chunk; chunk = a.connection?.written.shift()) {
    bytes += chunk.byteLength
    a.connection?.emit('drain')
  }
  t.ok(bytes >= unacknowledgedBytesMax && bytes < unacknowledgedBytesMax + 1024 * 1024, `${bytes}`)
  t.equal(a.link.bytesSent, bytes, 'each byte that a connection was given is counted')
  a.link.send(small(2, 2))
  a.link.flush()
  t.equal(a.connection?.written.length, 1, 'what is small goes on')
  t.equal(a.link.backlog, 2)
  made.cut()
  made.connect()
  made.settle()
  t.same(callsOf(b.messages), [2, 1])
  t.equal(a.link.backlog, 0)
  t.ok(a.link.bytesSent >= bytes + 64 * 1024 * 1024, 'also what is sent again')
})

t.test('a connection that takes nothing keeps the rest waiting until it drains', async (t) => {
  const made = await world()
  const [a, b] = made.ends
  for (let call = 0; call < 100; call++) {
    a.link.send(['reply', 1, call, new Uint8Array(60_000) as never])
    a.link.flush()
  }
  t.ok((a.connection?.writableLength ?? 0) < writeAheadBytes + 70_000)
  t.equal(a.link.backlog, 100)
  made.settle()
  t.same(callsOf(b.messages), [...Array(100).keys()])
  t.equal(a.link.backlog, 0)
})

t.test(
  'a connection on which nothing comes is broken, and only while something is awaited',
  async (t) => {
    const made = await world()
    const [a, b] = made.ends
    made.timers.advance(60_000)
    t.ok(a.tcp.isConnected, 'silence alone is no fault')
    a.link.send(small(1, 1))
    a.link.flush()
    if (a.connection) a.connection.written = []
    made.timers.advance(linkLookMs * (linkLooksMax - 1) + 1)
    t.ok(a.tcp.isConnected)
    t.equal(a.connection?.written.length, 1, 'it asks before it gives up')
    if (a.connection) a.connection.written = []
    made.timers.advance(linkLookMs)
    t.notOk(a.tcp.isConnected)
    t.ok(linkLookMs * linkLooksMax <= 1000, 'well within the grace time')
    made.connect()
    made.settle()
    t.same(callsOf(b.messages), [1])
  },
)

t.test('an answer to the question keeps the connection', async (t) => {
  const made = await world()
  const [a, b] = made.ends
  a.link.send(large(1, 1, 4 * 1024 * 1024))
  a.link.flush()
  // A way so slow that no record is complete for a long time.
  for (let count = 0; count < 40; count++) {
    a.connection?.deliver(100)
    made.timers.advance(150)
    b.connection?.deliverAll()
  }
  t.ok(a.tcp.isConnected, 'something arrives, and is acknowledged although no record is complete')
  t.equal(b.tcp.received, 0)
})

t.test('a link without a connection for its grace time is over on both sides', async (t) => {
  const made = await world(500)
  const [a, b] = made.ends
  a.link.send(small(1, 1))
  made.cut()
  made.timers.advance(499)
  t.same([a.endings, b.endings], [[], []])
  made.timers.advance(1)
  await Promise.resolve()
  t.match(a.endings, [{ code: 'ERR_GOAWAY_LINK_LOST', message: /node "x".*500 ms/ }])
  t.match(b.endings, [{ code: 'ERR_GOAWAY_LINK_LOST' }])
  t.equal(made.timers.pending, 0)
  t.equal(a.link.backlog, 0)
})

t.test(
  'who asked for the end is told no error, even if the other end cannot hear it',
  async (t) => {
    const made = await world(500)
    const [a, b] = made.ends
    made.cut()
    a.link.close()
    made.timers.advance(500)
    await Promise.resolve()
    t.same(a.endings, [undefined])
    t.match(b.endings, [{ code: 'ERR_GOAWAY_LINK_LOST' }])
  },
)

t.test('an end that breaks off is told after the resume', async (t) => {
  const made = await world()
  const [a, b] = made.ends
  a.link.send(small(1, 1))
  a.link.close()
  made.cut()
  made.connect()
  made.settle()
  await Promise.resolve()
  t.same([a.endings, b.endings], [[undefined], [undefined]])
  t.same(callsOf(b.messages), [1])
})

const frame = encodeFrame([small(1, 1)]).bytes
const piece = new Uint8Array(1000)
const wrong: Readonly<Record<string, Uint8Array[]>> = {
  'a kind that there is not': [record(77, 1, frame)],
  'a frame that is too long': [record(kindFrame, 1, frame).fill(255, 0, 4)],
  'a frame that is out of turn': [record(kindFrame, 2, frame)],
  'a frame that came before': [record(kindFrame, 1, frame), record(kindFrame, 1, frame)],
  'a frame that is no list': [record(kindFrame, 1, Uint8Array.of(5))],
  'a message that is no list': [record(kindFrame, 1, Uint8Array.of(0x91, 5))],
  'a frame that ends too soon': [record(kindFrame, 1, Uint8Array.of(0xdd, 255, 255, 255, 255))],
  'an acknowledgement of what was not sent': [plainRecord(kindAcknowledge, 7)],
  'a value that is too large': [record(kindPiece, 1, piece, 0, 2 ** 32 - 1)],
  'a value that is too small to be one': [record(kindPiece, 1, piece, 0, 1000)],
  'too many values at a time': [0, 1, 2, 3, 4].map((value) =>
    record(kindPiece, value + 1, piece, value, 1024 * 1024 * 1024),
  ),
  'a piece without bytes': [record(kindPiece, 1, new Uint8Array(0), 0, frameBytesMax)],
  'a value that changes its size': [
    record(kindPiece, 1, piece, 0, 100_000),
    record(kindPiece, 2, piece, 0, 200_000),
  ],
  'a message without its values': [record(kindLarge, 1, frame, 0, 1)],
  'a message with a value that is not complete': [
    record(kindPiece, 1, piece, 0, 100_000),
    record(kindLarge, 2, frame, 0, 1),
  ],
}

t.test('what no sender would send ends the link on both sides', async (t) => {
  for (const [title, chunks] of Object.entries(wrong)) {
    const made = await world()
    const [a, b] = made.ends
    for (const chunk of chunks) b.connection?.emit('data', chunk)
    made.settle()
    await Promise.resolve()
    t.match(b.endings, [{ code: 'ERR_GOAWAY_PROTOCOL' }], title)
    t.match(a.endings, [{ code: 'ERR_GOAWAY_PROTOCOL' }], title)
  }
})

t.test('mutated and random bytes end the link, or nothing, and throw nothing', async (t) => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomOf(seed)
    const made = await world()
    const [a, b] = made.ends
    const messages = [small(1, 1), ['need', ['text']] as const, small(2, 2)]
    for (const message of messages) a.link.send(message)
    a.link.send(large(1, 3, storedInlineBytesMax + 5))
    a.link.flush()
    const sent = Buffer.concat(a.connection?.written ?? [])
    for (let count = 0; count < 1 + random() * 8; count++) {
      const within = random() < 0.8 ? 200 : sent.byteLength
      sent[Math.floor(random() * within)] = Math.floor(random() * 256)
    }
    const bytes = random() < 0.2 ? Buffer.from(sent.map(() => random() * 256)) : sent
    b.connection?.emit('data', bytes)
    await Promise.resolve()
    for (const ending of b.endings) {
      // A changed byte can make a record that asks for the end.
      if (ending !== undefined) t.equal((ending as { code?: string }).code, 'ERR_GOAWAY_PROTOCOL')
    }
  }
})
