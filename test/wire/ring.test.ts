/** The ring from a thread to its hub, both ends in one thread; two threads: `inbox.test.ts`. */
import t from 'tap'
import { ringCapacityBytes } from '../../lib/limits.ts'
import { Ring, ringBytes } from '../../lib/wire/ring.ts'

function makeRing(): { producer: Ring; consumer: Ring } {
  const buffer = new SharedArrayBuffer(64 + ringBytes)
  return { producer: new Ring(buffer, 64), consumer: new Ring(buffer, 64) }
}

const entry = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)

t.test('entries come out as they went in, with the frames before them', async (t) => {
  const { producer, consumer } = makeRing()
  t.equal(consumer.peek(), undefined)
  t.ok(producer.push(entry(0, 0), 0))
  t.ok(producer.push(entry(1, 1), 3))
  t.ok(producer.push(entry(13, 2), -5))
  t.equal(consumer.peek(), 0)
  t.equal(consumer.peek(), 0, 'looking takes nothing')
  t.same(consumer.take(), entry(0, 0))
  t.equal(consumer.peek(), 3)
  t.same(consumer.take(), entry(1, 1))
  t.equal(consumer.peek(), -5)
  t.same(consumer.take(), entry(13, 2))
  t.equal(consumer.peek(), undefined)
})

t.test('what is taken is a copy', async (t) => {
  const { producer, consumer } = makeRing()
  producer.push(entry(8, 1), 0)
  consumer.peek()
  const taken = consumer.take()
  for (let round = 0; round < ringCapacityBytes / 16 + 1; round++) {
    producer.push(entry(8, 9), 0)
    consumer.peek()
    consumer.take()
  }
  t.same(taken, entry(8, 1))
})

t.test('push() refuses what has no room, and goes on when there is some', async (t) => {
  const { producer, consumer } = makeRing()
  t.notOk(producer.push(entry(ringCapacityBytes / 4, 1), 0), 'too large for ever')
  let pushed = 0
  while (producer.push(entry(1016, pushed % 256), pushed)) pushed++
  t.equal(pushed, ringCapacityBytes / 1024)
  t.notOk(producer.push(entry(0, 0), 0))
  consumer.peek()
  consumer.take()
  t.ok(producer.push(entry(1016, pushed % 256), pushed))
  t.notOk(producer.push(entry(0, 0), 0))
  const seen: unknown[] = []
  for (let index = 1; index <= pushed; index++) seen.push([consumer.peek(), consumer.take()[1015]])
  t.same(
    seen,
    Array.from({ length: pushed }, (_, index) => [index + 1, (index + 1) % 256]),
  )
  t.equal(consumer.peek(), undefined)
})

t.test('entries of all lengths pass the end of the ring again and again', async (t) => {
  const { producer, consumer } = makeRing()
  const waiting: [number, number][] = []
  let wrong = 0
  const takeOne = (): void => {
    const [length, index] = waiting.shift() as [number, number]
    if (consumer.peek() !== index) wrong++
    const bytes = consumer.take()
    if (bytes.length !== length || bytes.some((byte) => byte !== index % 251)) wrong++
  }
  let overflows = 0
  for (let index = 0; index < 20_000; index++) {
    const length = (index * 7919) % (index % 50 === 0 ? 30_000 : 300)
    while (!producer.push(entry(length, index % 251), index)) {
      overflows++
      takeOne()
    }
    waiting.push([length, index])
    if (index % 3 === 0) takeOne()
  }
  while (waiting.length > 0) takeOne()
  t.equal(wrong, 0)
  t.ok(overflows > 100, 'it was full at times')
  t.equal(consumer.peek(), undefined)
})

t.test('positions may pass 2^31 and 2^32', async (t) => {
  for (const start of [2 ** 31 - 4096, -4096]) {
    const buffer = new SharedArrayBuffer(ringBytes)
    new Int32Array(buffer, 0, 2).fill(start)
    const [producer, consumer] = [new Ring(buffer, 0), new Ring(buffer, 0)]
    let wrong = 0
    for (let index = 0; index < 1000; index++) {
      const bytes = entry(index % 100, index % 256)
      if (!producer.push(bytes, index) || consumer.peek() !== index) wrong++
      if (Buffer.compare(consumer.take(), bytes) !== 0) wrong++
    }
    t.equal(wrong, 0, `from ${start}`)
  }
})
