import t from 'tap'
import { isListening } from '../../lib/deploy/is-listening.ts'
import { addressText, parseListen } from '../../lib/deploy/listen-address.ts'
import { freePort, occupy } from './stand-in.ts'

t.test('parseListen() takes what a person writes', async (t) => {
  for (const [text, host, port] of [
    ['127.0.0.1:9000', '127.0.0.1', 9000],
    ['node-3.example:1', 'node-3.example', 1],
    [':9061', '127.0.0.1', 9061],
    ['9061', '127.0.0.1', 9061],
    ['0.0.0.0', '0.0.0.0', 9060],
    ['node-3', 'node-3', 9060],
    ['[::1]:80', '::1', 80],
    ['[::]', '::', 9060],
    ['[fe80::1%eth0]:80', 'fe80::1%eth0', 80],
    ['localhost:0', 'localhost', 0],
  ] as const) {
    t.same(parseListen(text), { host, port }, text)
  }
})

t.test('parseListen() refuses what it could misread', async (t) => {
  for (const text of ['', ':', 'a:b', '::1', 'a:1:2', 'me@host:1', 'a:65536', '[x]:1', 'a b:1']) {
    t.throws(() => parseListen(text), { code: 'ERR_GOAWAY_CONFIG', message: `: '${text}'` }, text)
  }
})

t.test('addressText() writes what parseListen() reads', async (t) => {
  for (const text of ['127.0.0.1:9060', '[::1]:80', 'host:1']) {
    t.equal(addressText(parseListen(text)), text)
  }
})

t.test('isListening() believes a connection, however late it looks', async (t) => {
  const { port, server } = await occupy()
  t.teardown(() => server.close())
  const host = '127.0.0.1'
  const looked = isListening({ host, port }, 20)
  // The connection is asked for before this, and the event loop turns after the time is over.
  process.nextTick(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60))
  t.equal(await looked, true)
  t.equal(await isListening({ host, port: await freePort() }, 20), false)
})
