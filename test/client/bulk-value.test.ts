/** Values as bytes, however large: what a node in a cluster makes of all that is passed. */
import { MessageChannel } from 'node:worker_threads'
import t from 'tap'
import { type Node, place } from '../../lib/client/current.ts'
import { dropPayload, isPort, packPayload, unpackPayload } from '../../lib/client/payload.ts'
import { encodeCall, unpackCall } from '../../lib/client/values.ts'
import { storedInlineBytesMax } from '../../lib/limits.ts'
import { isSame } from './same-value.ts'
import { equal, refused } from './value-kinds.ts'

function encode(value: unknown): Uint8Array {
  const bytes = encodeCall([value], 'argument', false)
  if (bytes === undefined) throw new Error('Only a port can carry it')
  return bytes
}

function decode(bytes: Uint8Array): unknown {
  return (unpackCall({ bytes }) as unknown[])[0]
}

/** Packs as a thread of a cluster does. */
function inCluster<T>(act: () => T): T {
  const before = place.node
  place.node = { clustered: true } as Node
  try {
    return act()
  } finally {
    place.node = before
  }
}

t.test('encodeCall() makes bytes of every kind of value, and they arrive equal', async (t) => {
  for (const [kind, value] of equal) {
    const bytes = encode(value)
    t.ok(isSame(value, decode(bytes)), kind)
    t.ok(isSame(value, decode(bytes)), `${kind}, read once more`)
    const isLarge = bytes.length > storedInlineBytesMax
    t.equal(bytes.buffer instanceof SharedArrayBuffer, isLarge, `${kind}: shared if it is large`)
  }
})

t.test('encodeCall() refuses what cannot be passed', async (t) => {
  for (const [kind, value, message] of refused) {
    t.throws(() => encode(value), { code: 'ERR_GOAWAY_VALUE', message }, kind)
  }
})

t.test('encodeCall() copies large memory as it is, wherever it lies in the value', async (t) => {
  const whole = Float64Array.from({ length: 50_000 }, (_, index) => index / 7)
  const buffer = Buffer.alloc(100_000, 'abc')
  const value = {
    part: whole.subarray(100, 40_000),
    whole,
    again: whole,
    memory: whole.buffer,
    view: new DataView(whole.buffer, 8, 200_000),
    list: [new Map([['buffer', buffer]]), buffer.subarray(5, 90_000)],
    error: Object.assign(new RangeError('x'), { detail: new Uint16Array(30_000).fill(9) }),
  }
  const seen = decode(encode(value)) as typeof value
  t.ok(isSame(value, seen))
  t.equal(seen.whole, seen.again)
  t.equal(seen.whole.buffer, seen.memory)
  t.equal(seen.part.buffer.byteLength, seen.part.byteLength, 'a part takes no more along')
  seen.whole[0] = 99
  t.equal(whole[0], 0, 'the memory is the reader’s own')
})

t.test('What is not what was written is ERR_GOAWAY_PROTOCOL', async (t) => {
  const bytes = new Uint8Array(encode([new Uint8Array(50_000).fill(1), 'x']))
  for (const length of [1, 4, 8, 20, 40, bytes.length - 1]) {
    const cut = bytes.slice(0, length)
    t.throws(() => decode(cut), { code: 'ERR_GOAWAY_PROTOCOL' }, `${length} bytes`)
  }
  for (const at of [4, 15, 16, 23, 30]) {
    const changed = bytes.slice()
    changed[at] = 0xff
    t.throws(() => decode(changed), { code: 'ERR_GOAWAY_PROTOCOL' }, `byte ${at}`)
  }
})

t.test('packPayload() in a cluster: bytes, except for what lives in one process', async (t) => {
  const large = { bytes: new Uint8Array(200_000).fill(5), text: 'x'.repeat(100_000) }
  const packed = inCluster(() => packPayload([large], 'argument'))
  t.ok(packed instanceof Uint8Array && packed.buffer instanceof SharedArrayBuffer)
  t.ok(isSame([large], unpackPayload(packed)))
  const shared = new Int32Array(new SharedArrayBuffer(8))
  const { port1, port2 } = new MessageChannel()
  for (const [value, transfer] of [
    [shared, []],
    [port1, [port1]],
  ] as const) {
    const payload = inCluster(() => packPayload([value], 'argument', transfer))
    t.ok(isPort(payload))
    dropPayload(payload)
  }
  port2.close()
  t.equal(
    inCluster(() => packPayload(7, 'result')),
    7,
  )
})

t.test('packPayload() in a cluster moves a buffer: it is gone where it was', async (t) => {
  const bytes = new Uint8Array(100_000).fill(3)
  const { buffer } = bytes
  const small = new Uint8Array([1, 2])
  const transfer = [buffer, small.buffer]
  const payload = inCluster(() => packPayload([bytes, { small }], 'argument', transfer))
  t.notOk(isPort(payload))
  t.equal(buffer.byteLength, 0)
  t.equal(small.length, 0)
  const [seen, inner] = unpackPayload(payload) as [Uint8Array, { small: Uint8Array }]
  t.equal(seen.length, 100_000)
  t.equal(seen[99_999], 3)
  t.same([...inner.small], [1, 2])
  const given = new Uint8Array(20_000)
  t.throws(() => inCluster(() => packPayload([given, () => {}], 'argument', [given.buffer])), {
    code: 'ERR_GOAWAY_VALUE',
  })
  t.equal(given.length, 20_000, 'what was refused stays where it is')
})
