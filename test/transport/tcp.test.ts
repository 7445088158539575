/** Links over TCP and TLS keep the contract of links. */
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { testTransport } from './suite.ts'
import { tcpLink } from './tcp-stand.ts'

t.test('a link over TCP keeps the contract, seen from its dialer', (t) =>
  testTransport(t, async () => {
    const { dialed, listened, release } = await tcpLink()
    return { ends: [dialed, listened], release }
  }),
)

t.test('a link over TCP keeps the contract, seen from its listener', (t) =>
  testTransport(t, async () => {
    const { dialed, listened, release } = await tcpLink()
    return { ends: [listened, dialed], release }
  }),
)

t.test('links in a thread leave nothing behind that keeps it alive', async (t) => {
  const times = new Float64Array(new SharedArrayBuffer(16))
  const worker = new Worker(new URL('./tcp-thread.js', import.meta.url), { workerData: times })
  const code = await new Promise((resolve, reject) => {
    worker.once('exit', resolve)
    worker.once('error', reject)
  })
  t.equal(code, 0)
  const [begun = 0, ended = Infinity] = times
  t.ok(begun > 0 && ended > begun)
  t.ok(ended - begun < 9000, 'nor for the 10 s that net-ipc waits for a first packet')
})
