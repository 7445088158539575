/** What strangers send, and how many they are, costs bounded memory and never the service. */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import t from 'tap'
import { openingBytesMax, strangersMax } from '../../lib/limits.ts'
import type { LinkEnd, LinkListener } from '../../lib/transport/contract.ts'
import { dialOptions } from '../../lib/transport/credentials.ts'
import { kindPiece } from '../../lib/transport/link-record.ts'
import { randomOf } from '../hub/random.ts'
import { record } from './link-world.ts'
import { call, type Host, host, makeHello, secret } from './tcp-stand.ts'

const silent: LinkListener = { received() {}, closed() {} }

/** That somebody who knows the secret is still served. */
async function serves(listener: Host): Promise<boolean> {
  const before = listener.linked.length
  const { end } = await call(listener.port, { timeoutMs: 15_000 })
  const heard = new Promise<boolean>((resolve) => {
    const other = listener.linked[before]?.end as LinkEnd
    other.open({ received: (messages) => resolve(messages.length === 1), closed() {} })
  })
  const closed = new Promise<void>((resolve) => {
    const link = end.open({ received() {}, closed: () => resolve() })
    link.send(['need', []])
    link.flush()
    void heard.then(() => link.close())
  })
  await closed
  return heard
}

function stranger(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.on('error', reject)
    socket.on('error', () => {})
  })
}

const gone = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) resolve()
    else socket.resume().once('close', () => resolve())
  })

t.test('garbage before TLS is refused, and told of now and then', async (t) => {
  const listener = await host()
  const random = randomOf(1)
  for (let count = 0; count < 60; count++) {
    const socket = await stranger(listener.port)
    const header = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])
    const noise = randomBytes(1 + Math.floor(random() * 2000))
    socket.end(count % 2 === 0 ? noise : Buffer.concat([header, noise]))
    await gone(socket)
  }
  t.ok(listener.warnings.length < 20, `${listener.warnings.length} warnings`)
  t.same(listener.linked, [])
  t.ok(await serves(listener))
  await listener.close()
})

t.test('2,000 silent connections do not keep an honest one out', async (t) => {
  const listener = await host()
  const sockets: Socket[] = []
  let closed = 0
  for (let count = 0; count < 2000; count += 100) {
    const made = await Promise.all(Array.from({ length: 100 }, () => stranger(listener.port)))
    for (const socket of made) socket.on('close', () => closed++)
    sockets.push(...made)
  }
  t.ok(await serves(listener))
  // Those who are too many have been let go, the oldest first.
  await Promise.all(sockets.slice(0, 2000 - strangersMax).map(gone))
  t.ok(closed >= 2000 - strangersMax)
  for (const socket of sockets) socket.destroy()
  await Promise.all(sockets.map(gone))
  t.ok(await serves(listener))
  await listener.close()
})

t.test('who is slow, silent or half open is let go in time', async (t) => {
  const listener = await host()
  const sockets = [await stranger(listener.port), await stranger(listener.port)]
  const slow = sockets[0] as Socket
  const drip = setInterval(() => slow.writable && slow.write(Buffer.of(22)), 100)
  const secured = connectTls({
    ...dialOptions(secret, '127.0.0.1', ''),
    host: '127.0.0.1',
    port: listener.port,
  })
  secured.on('error', () => {})
  await Promise.all([...sockets, secured].map(gone))
  clearInterval(drip)
  t.ok(await serves(listener))
  await listener.close()
})

/** Somebody who knows the secret, and nothing else. */
async function insider(port: number): Promise<TLSSocket> {
  for (;;) {
    const socket = connectTls({ ...dialOptions(secret, '127.0.0.1', ''), host: '127.0.0.1', port })
    socket.on('error', () => {})
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once('secureConnect', () => resolve(true))
      // As every dialer does: whoever stood still for too long is let go, and comes again.
      socket.once('close', () => resolve(false))
    })
    if (isThere) return socket
  }
}

/** A length as net-ipc writes it. */
function tagOf(length: number): Buffer {
  const sevens = [28, 21, 14, 7, 0].map((bits) => Math.floor(length / 2 ** bits) % 128)
  return Buffer.from([...sevens.slice(0, 4), (sevens[4] as number) + 128])
}

const packetOf = (text: string): Buffer => Buffer.concat([tagOf(text.length), Buffer.from(text)])
const openingOf = (extras: unknown): string =>
  JSON.stringify({ t: 0, d: { compress: false, messagepack: true, extras } })

t.test('an opening that is none is refused', async (t) => {
  const listener = await host()
  const greeting = Buffer.from('IPC')
  const packets = [
    tagOf(openingBytesMax + 1),
    // net-ipc itself would throw at these two, where nobody could catch it.
    tagOf(2 ** 34),
    Buffer.alloc(100),
    ...['null', '{{{{', '', '{"t":0}', '{"t":1,"d":1}', '{"t":2,"d":1,"n":"x"}'].map(packetOf),
    ...[undefined, null, 7, { hello: makeHello() }].map((one) => packetOf(openingOf(one))),
    randomBytes(100),
  ]
  const sockets: TLSSocket[] = []
  for (const bytes of packets) {
    const socket = await insider(listener.port)
    socket.write(Buffer.concat([greeting, bytes]))
    sockets.push(socket)
  }
  for (const bytes of ['GET', 'GET / HTTP/1.1\r\n\r\n', 'xyz', 'x', '']) {
    const socket = await insider(listener.port)
    socket.write(bytes)
    sockets.push(socket)
  }
  await Promise.all(sockets.map(gone))
  t.same(listener.linked, [])
  t.ok(await serves(listener))
  await listener.close()
})

/** Opens a link by hand; returns when it is answered. */
async function openByHand(port: number, link: string): Promise<TLSSocket> {
  for (let attempt = 1; ; attempt++) {
    const socket = await insider(port)
    const opening = { hello: makeHello(), attempt, resumes: false, expects: '', received: 0 }
    socket.write('IPC')
    socket.write(packetOf(openingOf({ ...opening, link })))
    let heard = ''
    while (!socket.destroyed) {
      await new Promise<void>((resolve) => {
        socket.once('readable', () => resolve())
        socket.once('close', () => resolve())
      })
      heard += String(socket.read() ?? '')
      if (heard.includes('"received":0')) return socket
    }
  }
}

const endingOf = (end: LinkEnd): Promise<Error | undefined> =>
  new Promise((resolve) => void end.open({ ...silent, closed: resolve }))

t.test('a packet that is too large, or no record, is refused when it begins', async (t) => {
  const listener = await host()
  const piece = record(kindPiece, 1, new Uint8Array(1000), 0, 100_000)
  for (const [title, bytes] of Object.entries({
    'a packet of 300 MB': tagOf(300_000_000),
    'a packet longer than can be': tagOf(2 ** 34),
    'a packet for a shorter record': Buffer.concat([tagOf(5000), piece]),
    'a packet of no record': Buffer.concat([tagOf(5000), Buffer.alloc(100, 77)]),
  })) {
    const socket = await openByHand(listener.port, title)
    const ending = endingOf(listener.linked.at(-1)?.end as LinkEnd)
    socket.write(bytes)
    t.match(await ending, { code: 'ERR_GOAWAY_PROTOCOL' }, title)
    await gone(socket)
  }
  t.ok(await serves(listener))
  await listener.close()
})

t.test('a connection that ends within a packet is noticed, wherever it ends', async (t) => {
  const listener = await host({ graceMs: () => 50 })
  const piece = record(kindPiece, 1, new Uint8Array(1000), 0, 100_000)
  const packet = Buffer.concat([tagOf(piece.byteLength), piece])
  for (const length of [1, 2, 3, 4, 5, 6, 20, 40, packet.byteLength - 1, packet.byteLength]) {
    const socket = await openByHand(listener.port, `${length} bytes`)
    const ending = endingOf(listener.linked.at(-1)?.end as LinkEnd)
    socket.end(packet.subarray(0, length))
    t.match(await ending, { code: 'ERR_GOAWAY_LINK_LOST' }, `${length} bytes`)
    await gone(socket)
  }
  await listener.close()
})

t.test('an insider who sends noise loses his link, and nobody else', async (t) => {
  const listener = await host()
  const random = randomOf(3)
  const endings: (Error | undefined)[] = []
  for (let count = 0; count < 20; count++) {
    const socket = await openByHand(listener.port, `link ${count}`)
    const link = listener.linked.at(-1)?.end as LinkEnd
    const ended = new Promise<void>((resolve) => {
      link.open({
        ...silent,
        closed(error) {
          endings.push(error)
          resolve()
        },
      })
    })
    socket.write(randomBytes(24 + Math.floor(random() * 100_000)))
    await ended
    await gone(socket)
  }
  t.equal(endings.length, 20)
  for (const error of endings) t.match(error, { code: 'ERR_GOAWAY_PROTOCOL' })
  t.ok(await serves(listener))
  await listener.close()
})
