import { MessageChannel, MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import t from 'tap'
import { storedInlineBytesMax } from '../../lib/limits.ts'
import {
  decodeFrame,
  decodeOne,
  encodeFrame,
  encodeOne,
  openFrame,
  type PortFrame,
  postFrame,
} from '../../lib/wire/frame.ts'
import type { Message, MessagePortLike } from '../../lib/wire/messages.ts'

const shared = (bytes: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(bytes))
const set = (value: Uint8Array): Message => ['tell', 0, ['set', 'o', 'f', value, null]]
const bytesIn = (message: Message | undefined): Uint8Array =>
  (message as unknown as [string, number, unknown[]])[2][3] as Uint8Array

t.test('messages of every kind of content come out as they went in', async (t) => {
  const messages: Message[] = [
    ['answer', 1, [2, undefined]],
    ['answer', 2 ** 40, [true, 3, null]],
    [
      'ask',
      1,
      true,
      2 ** 50,
      ['compareAndSet', 'ö', '__proto__', undefined, Number.NaN, null],
      false,
    ],
    ['tell', 0, ['set', 'o', 'f', -1.5e300, [['lock', 7]]]],
    ['cancel', 1, { name: 'Error', attached: 0 } as never, Infinity],
  ]
  const { bytes, attachments } = encodeFrame(messages)
  t.same(attachments, [])
  t.same(decodeFrame(bytes), messages)
  for (const message of messages) {
    const one = encodeOne(message)
    t.same(decodeOne((one as Uint8Array).slice()), message)
  }
})

t.test('bytes of a frame are no view of a pool', async (t) => {
  const { bytes } = encodeFrame([['quiet?', 1]])
  t.equal(bytes.buffer.byteLength, bytes.byteLength)
})

t.test('a large value over shared memory is attached, not copied', async (t) => {
  const large = shared(storedInlineBytesMax + 1)
  const messages = [set(Uint8Array.of(1, 2)), set(large), set(shared(8))]
  const { bytes, attachments } = encodeFrame(messages)
  t.equal(attachments[0], large.buffer)
  t.equal(attachments.length, 1)
  t.ok(bytes.byteLength < 200)
  const opened = decodeFrame(bytes, attachments)
  t.same(bytesIn(opened[0]), Uint8Array.of(1, 2))
  large[5] = 9
  t.equal(bytesIn(opened[1])[5], 9, 'it is the same memory')
  t.equal(bytesIn(opened[2]).byteLength, 8)
  t.equal(bytesIn(messages[1]), large, 'what was given is as it was')
  t.equal(encodeOne(set(large)), undefined)
})

t.test('ports and shared memory cross a port together', async (t) => {
  const { port1, port2 } = new MessageChannel()
  const inner = new MessageChannel()
  const large = shared(storedInlineBytesMax + 1)
  postFrame(port1 as unknown as MessagePortLike, [
    ['result', 1, inner.port1 as unknown as MessagePortLike],
    ['answer', 2, [1, large]],
    ['result', 3, 5],
  ])
  const opened = openFrame(receiveMessageOnPort(port2)?.message as PortFrame)
  const [result, answer, plain] = opened as unknown as [unknown[], [string, number, unknown[]], 0]
  t.ok(result[2] instanceof MessagePort)
  large[1] = 4
  t.equal((answer[2][1] as Uint8Array)[1], 4)
  t.same(plain, ['result', 3, 5])
  inner.port2.close()
  port1.close()
})

t.test('what is no frame is refused', async (t) => {
  const { bytes } = encodeFrame([])
  t.same(decodeFrame(bytes), [])
  const text = encodeOne(['closed'] as never) as Uint8Array
  t.throws(() => decodeFrame(Uint8Array.of(5)), { code: 'ERR_GOAWAY_PROTOCOL' })
  t.throws(() => decodeOne(Uint8Array.of(5)), { code: 'ERR_GOAWAY_PROTOCOL' })
  t.throws(() => decodeOne(bytes), { code: 'ERR_GOAWAY_PROTOCOL' })
  t.same(decodeOne(text), ['closed'])
})
