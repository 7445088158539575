import { inspect } from 'node:util'
import { MessageChannel, receiveMessageOnPort, type Transferable } from 'node:worker_threads'
import t from 'tap'
import {
  decodeStored,
  encodeStored,
  type PackedCall,
  packCall,
  unpackCall,
} from '../../lib/client/values.ts'
import { GoawayError } from '../../lib/errors.ts'
import { inlineBytesMax, storedInlineBytesMax, valueBytesMax } from '../../lib/limits.ts'
import { randomOf } from '../hub/random.ts'
import { makeValue } from './random-value.ts'
import { isSame } from './same-value.ts'
import { cyclic, equal, refused, shared, sparse } from './value-kinds.ts'

type Way = 'argument' | 'result' | 'stored'
const ways: readonly Way[] = ['argument', 'result', 'stored']

/** Through a real port, as a clone has to go. */
function post(packed: PackedCall, transfer: readonly object[] = []): PackedCall {
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(packed, transfer as Transferable[])
  const received = receiveMessageOnPort(port2) as { message: PackedCall }
  port1.close()
  return received.message
}

function travel(value: unknown, way: Way): unknown {
  if (way === 'stored') return decodeStored(encodeStored(value, 'field "x"')).value
  if (way === 'result') return unpackCall(post(packCall(value, 'result')))
  return (unpackCall(post(packCall([value], 'argument'))) as unknown[])[0]
}

for (const way of ways) {
  t.test(`every supported kind of value arrives equal as ${way}`, async (t) => {
    for (const [kind, value] of equal) {
      for (const given of [value, { within: [value] }, new Map([['k', value]])]) {
        // One level deeper is one too many for this one, and a date inside is compared alone.
        if (given !== value && /deep as allowed|invalid date/.test(kind)) continue
        const arrived = travel(given, way)
        t.ok(isSame(given, arrived), kind, {
          given: inspect(given).slice(0, 300),
          arrived: inspect(arrived).slice(0, 300),
        })
      }
    }
  })

  t.test(`every other kind of value is refused as ${way}`, async (t) => {
    for (const [kind, value, message] of refused) {
      for (const given of [value, { within: [value] }, new Set([value])]) {
        t.throws(() => travel(given, way), { code: 'ERR_GOAWAY_VALUE', message }, kind)
      }
    }
  })
}

t.test('packCall() counts arguments from one and names the path', async (t) => {
  const onDone = () => {}
  const say = (values: unknown, where = 'argument') => {
    try {
      packCall(values, where)
      return 'accepted'
    } catch (error) {
      return (error as Error).message.replace(/;.*/, '')
    }
  }
  t.equal(say([{ items: [0, 1, 2, { onDone }] }]), 'argument 1.items[3].onDone is a function')
  t.equal(say([1, onDone]), 'argument 2 is a function')
  t.equal(say(onDone, 'result'), 'result is a function')
  t.equal(say([onDone], 'result'), 'result[0] is a function')
  t.equal(
    say({ 'a b': new Map([['k', [onDone]]]) }, 'result'),
    'result["a b"].get("k")[0] is a function',
  )
  t.equal(say(new Set([1, onDone]), 'result'), 'result.values()[1] is a function')
  t.equal(say(new Error('x', { cause: onDone }), 'result'), 'result.cause is a function')
})

t.test('encodeStored() refuses a function and names its path', async (t) => {
  t.throws(() => encodeStored({ a: [() => {}] }, 'field "x"'), {
    code: 'ERR_GOAWAY_VALUE',
    message: /^field "x"\.a\[0\] is a function; /,
  })
})

t.test('encodeStored() refuses shared memory, which packCall() takes along', async (t) => {
  const memory = new SharedArrayBuffer(8)
  for (const value of [memory, new Int32Array(memory), [new Uint8Array(memory, 4)]]) {
    t.throws(() => encodeStored(value, 'x'), { code: 'ERR_GOAWAY_VALUE', message: /shared memory/ })
  }
  const words = travel([new Int32Array(memory, 4)], 'argument') as [Int32Array]
  Atomics.store(words[0], 0, 7)
  t.equal(new Int32Array(memory)[1], 7)
})

t.test('encodeStored() refuses what is larger than a value may be', async (t) => {
  // Memory that is never touched is never taken.
  const huge = new Uint8Array(valueBytesMax + 1)
  t.throws(() => encodeStored([huge], 'x'), { code: 'ERR_GOAWAY_VALUE', message: /is larger than/ })
})

t.test('encodeStored() keeps short values as they are', async (t) => {
  for (const value of [1, -1.5, Number.NaN, true, null, undefined, '', 'x'.repeat(1024)]) {
    t.ok(Object.is(encodeStored(value, 'x'), value))
  }
  for (const value of [-0, '\ud800', 'x'.repeat(1025), 1n, {}]) {
    t.ok(encodeStored(value, 'x') instanceof Uint8Array)
  }
})

t.test('encodeStored() gives bytes of their own, shared where they are large', async (t) => {
  for (const value of [{ a: 1 }, { a: 'x'.repeat(500) }, new Map(), { a: new Date() }]) {
    const bytes = encodeStored(value, 'x') as Uint8Array
    t.equal(bytes.buffer.byteLength, bytes.length)
    t.equal(bytes.constructor, Uint8Array)
  }
  for (const value of [{ a: 'x'.repeat(storedInlineBytesMax) }, new Float64Array(10_000)]) {
    const bytes = encodeStored(value, 'x') as Uint8Array
    t.ok(bytes.buffer instanceof SharedArrayBuffer)
    t.equal(bytes.buffer.byteLength, bytes.length)
    t.ok(isSame(value, decodeStored(bytes).value))
  }
  const part = new Uint8Array(1_000_000).subarray(5, 9)
  t.ok((encodeStored({ part }, 'x') as Uint8Array).length < 200, 'a part leaves the whole behind')
})

t.test('decodeStored() freezes plain values throughout', async (t) => {
  for (const value of [
    { a: [{ b: {} }] },
    [[], {}],
    cyclic,
    sparse([1, 2, '\ud800']),
    [shared, shared],
  ]) {
    const decoded = decodeStored(encodeStored(value, 'x'))
    t.ok(decoded.shareable)
    const seen = new Set<unknown>()
    const walk = (inner: unknown): void => {
      if (typeof inner !== 'object' || inner === null || seen.has(inner)) return
      seen.add(inner)
      t.ok(Object.isFrozen(inner))
      Object.values(inner).forEach(walk)
    }
    walk(decoded.value)
  }
})

t.test('decodeStored() gives each reader its own of what cannot be frozen', async (t) => {
  const value = {
    bytes: new Uint8Array(4),
    buffer: Buffer.alloc(4),
    map: new Map(),
    large: new Float64Array(10_000),
  }
  const encoded = encodeStored(value, 'x')
  const first = decodeStored(encoded)
  t.notOk(first.shareable)
  const changed = first.value as typeof value
  changed.bytes.fill(1)
  changed.buffer.fill(1)
  changed.large.fill(1)
  changed.map.set(1, 1)
  t.ok(isSame(decodeStored(encoded).value, value))
})

t.test('decodeStored() throws for bytes that are cut or garbled', async (t) => {
  const random = randomOf(7)
  const values = [
    { a: [1.5, 'text', { b: null }], c: 'é'.repeat(20) },
    new Map([[1, [Buffer.from('x')]]]),
  ]
  for (const value of values) {
    const bytes = encodeStored(value, 'x') as Uint8Array
    for (let length = 0; length < bytes.length; length++) {
      t.throws(() => decodeStored(bytes.slice(0, length)), { code: 'ERR_GOAWAY_PROTOCOL' })
    }
    for (let round = 0; round < 2000; round++) {
      const garbled = bytes.map((byte) => (random() < 0.1 ? Math.floor(random() * 256) : byte))
      try {
        decodeStored(garbled)
      } catch (error) {
        if (!(error instanceof GoawayError)) t.fail('another error', { error })
      }
    }
  }
  const claim = Uint8Array.of(1, 0xdd, 0xff, 0xff, 0xff, 0xff)
  t.throws(() => decodeStored(claim), { code: 'ERR_GOAWAY_PROTOCOL' })
  t.throws(() => decodeStored(new Uint8Array(100_000).fill(0x91).fill(1, 0, 1)), /nesting/)
  t.throws(() => decodeStored(Uint8Array.of(99)), { code: 'ERR_GOAWAY_PROTOCOL' })
})

t.test('packCall() makes bytes of what is small and a clone of what is large', async (t) => {
  t.ok('bytes' in packCall([1, { a: 'b' }], 'argument'))
  t.ok('bytes' in packCall([new Map([[1, Buffer.from('x')]])], 'argument'))
  t.ok('clone' in packCall([Buffer.alloc(inlineBytesMax + 1)], 'argument'))
  t.ok('clone' in packCall(['x'.repeat(inlineBytesMax + 1)], 'argument'))
  t.ok('bytes' in packCall(['x'.repeat(inlineBytesMax - 100)], 'argument'))
})

t.test('packCall() with a transfer list moves what is listed', async (t) => {
  const bytes = new Uint8Array([1, 2, 3])
  const { port1, port2 } = new MessageChannel()
  const transfer = [bytes.buffer, port1]
  const packed = packCall([{ bytes, port1, other: Buffer.from('x') }], 'argument', transfer)
  const [arrived] = unpackCall(post(packed, transfer)) as [Record<string, unknown>]
  t.same(arrived.bytes, new Uint8Array([1, 2, 3]))
  t.equal(bytes.length, 0)
  t.ok(Buffer.isBuffer(arrived.other))
  ;(arrived.port1 as typeof port1).postMessage('hello')
  t.same(receiveMessageOnPort(port2), { message: 'hello' })
  port2.close()
})

t.test('packCall() sends what a getter gave when it was checked', async (t) => {
  for (const rest of [{}, { slow: new Map() }]) {
    let reads = 0
    const given = {
      get value() {
        return reads++
      },
      ...rest,
    }
    const arrived = travel(given, 'argument') as { value: number }
    t.equal(arrived.value, reads - 1)
  }
  const nested = {
    get inner() {
      return (travel({ a: [1] }, 'argument') as { a: number[] }).a
    },
  }
  t.same(travel(nested, 'argument'), { inner: [1] }, 'a getter may pack something itself')
})

t.test('a class of the user that is an Error arrives as its nearest builtin', async (t) => {
  class Mine extends RangeError {
    extra = { a: 1 }
  }
  for (const way of ways) {
    const arrived = travel([new Mine('x')], way) as [Mine]
    t.equal(arrived[0].name, 'Mine')
    t.ok(arrived[0] instanceof RangeError)
    t.same(arrived[0].extra, { a: 1 })
  }
})

t.test('every random value arrives equal by every way', async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
  t.comment(`seed ${seed}`)
  const random = randomOf(seed)
  let bytes = 0
  for (let round = 0; round < 1500; round++) {
    const value = makeValue(random, 0, [])
    for (const way of ways) {
      const arrived = travel(value, way)
      if (!isSame(value, arrived)) {
        t.fail(`round ${round} of seed ${seed}`, {
          given: inspect(value),
          arrived: inspect(arrived),
        })
        return
      }
    }
    if ('bytes' in packCall(value, 'result')) bytes++
  }
  t.ok(bytes > 500, `${bytes} went as bytes`)
})
