/** Who is not let in, and what both sides are told. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import t, { type Test } from 'tap'
import type { LinkEnd } from '../../lib/transport/contract.ts'
import { type Credentials, listenOptions } from '../../lib/transport/credentials.ts'
import { call, host, makeHello, secret } from './tcp-stand.ts'

const quick = { timeoutMs: 300 }

function closeEnd(end: LinkEnd): Promise<Error | undefined> {
  return new Promise((resolve) => {
    end.open({ received() {}, closed: resolve }).close()
  })
}

t.test('another secret is refused, and both sides say so', async (t) => {
  const listener = await host()
  const other: Credentials = { kind: 'secret', secret: new Uint8Array(32).fill(4) }
  await t.rejects(call(listener.port, { credentials: other }), {
    code: 'ERR_GOAWAY_SECRET',
    message: /node "listener" \(127\.0\.0\.1:\d+\): .*the secrets differ/,
  })
  t.equal(listener.warnings.length, 1)
  t.match(listener.warnings[0], /Refused a connection from 127\.0\.0\.1:\d+: the secrets differ/)
  await t.rejects(call(listener.port, { credentials: other }))
  t.equal(listener.warnings.length, 1, 'a kind of warning is given once in a while')
  t.same(listener.linked, [])
  await listener.close()
})

t.test('a short secret is refused before anything is opened', async (t) => {
  const short: Credentials = { kind: 'secret', secret: new Uint8Array(15) }
  const expected = { code: 'ERR_GOAWAY_SECRET', message: /15 bytes.*16 or more/ }
  await t.rejects(call(1, { credentials: short }), expected)
  await t.rejects(host({ credentials: short }), expected)
  const none = { kind: 'secret' } as unknown as Credentials
  await t.rejects(host({ credentials: none }), { code: 'ERR_GOAWAY_SECRET' })
})

t.test('another version is refused with both versions, on both sides', async (t) => {
  for (const [changes, versions] of [
    [{ version: '2.0.0' }, /goaway 2\.0\.0 \(protocol 1\).*goaway 1\.2\.3 \(protocol 1\)/],
    [{ protocol: 2 }, /goaway 1\.2\.3 \(protocol 2\).*goaway 1\.2\.3 \(protocol 1\)/],
  ] as const) {
    const listener = await host()
    await t.rejects(call(listener.port, { hello: makeHello(changes) }), {
      code: 'ERR_GOAWAY_VERSION',
      message: /install the same version/,
    })
    t.match(listener.warnings.pop(), versions)
    await listener.close()
  }
})

t.test('another major version of Node is worth a warning', async (t) => {
  const listener = await host()
  const { end } = await call(listener.port, { hello: makeHello({ runtime: 'v18.1.0' }) })
  t.match(listener.warnings, [/"node" runs Node v18\.1\.0/])
  listener.linked[0]?.end.open({ received() {}, closed() {} })
  t.equal(await closeEnd(end), undefined)
  await listener.close()
})

t.test('who is not admitted is told why, with the code', async (t) => {
  const listener = await host({
    admit: ({ name }) => ({ code: 'ERR_GOAWAY_LIMIT', message: `${name} is one too many` }),
  })
  await t.rejects(call(listener.port), {
    code: 'ERR_GOAWAY_LIMIT',
    message: 'dialer is one too many',
  })
  t.same([listener.linked, listener.warnings], [[], []])
  await listener.close()
})

t.test('another incarnation than the expected one is refused', async (t) => {
  const listener = await host()
  await t.rejects(call(listener.port, { expects: 'another' }), { code: 'ERR_GOAWAY_NODE_LOST' })
  const { peer, end } = await call(listener.port, { expects: 'first' })
  t.same(peer, makeHello({ name: 'listener' }))
  t.same(listener.linked[0]?.peer, makeHello({ name: 'dialer' }))
  listener.linked[0]?.end.open({ received() {}, closed() {} })
  await closeEnd(end)
  await listener.close()
})

/** Nothing listens there, and the system gives it to nobody who asks for any port. */
const deadPort = 1

t.test('dialing says that it was refused, be it when the time is over', async (t) => {
  const refused = {
    code: 'ERR_GOAWAY_NODE_UNREACHABLE',
    message: /node "listener" \(127\.0\.0\.1:\d+\).*ECONNREFUSED.*goaway node/,
  }
  await t.rejects(call(deadPort, quick), refused)
  const waiting = call(deadPort, quick)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * quick.timeoutMs)
  await t.rejects(waiting, refused, 'its answer had come while this thread stood still')
})

t.test('dialing settles, whatever is there', async (t) => {
  await t.rejects(call(1, { ...quick, host: 'no-such-host.invalid' }), {
    code: 'ERR_GOAWAY_NODE_UNREACHABLE',
    message: /no-such-host\.invalid/,
  })
  const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await new Promise((resolve) => silent.once('listening', resolve))
  const { port } = silent.address() as { port: number }
  await t.rejects(call(port, quick), { code: 'ERR_GOAWAY_NODE_UNREACHABLE', message: /not answer/ })
  const controller = new AbortController()
  const waiting = call(port, { signal: controller.signal })
  controller.abort(new Error('enough'))
  await t.rejects(waiting, { code: 'ERR_GOAWAY_CANCELLED', cause: { message: 'enough' } })
  silent.close()
  const web = createServer((socket) => {
    socket.on('error', () => {})
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => web.once('listening', resolve))
  const webPort = (web.address() as { port: number }).port
  await t.rejects(call(webPort), {
    code: 'ERR_GOAWAY_NODE_UNREACHABLE',
    message: /is no node/,
  })
  web.close()
})

t.test('dialing waits for a port that is free for a moment', async (t) => {
  // Below those that the system gives to who asks for any: nobody else takes it meanwhile.
  const port = 15_000 + Math.floor(Math.random() * 15_000)
  const dialed = call(port)
  // The first attempt is refused before anything listens.
  await new Promise((resolve) => setTimeout(resolve, 50))
  const after = await host({ port })
  const { peer, end } = await dialed
  t.equal(peer.name, 'listener')
  after.linked[0]?.end.open({ received() {}, closed() {} })
  await closeEnd(end)
  await after.close()
})

t.test('a port that is taken is told with the way out', async (t) => {
  const listener = await host()
  await t.rejects(host({ port: listener.port }), {
    code: 'ERR_GOAWAY_CONFIG',
    message: /Cannot listen on 127\.0\.0\.1:\d+.*EADDRINUSE.*choose another port/,
  })
  await t.rejects(host({ host: '203.0.113.1' }), { code: 'ERR_GOAWAY_CONFIG' })
  await listener.close()
})

/** An authority, and certificates that it has signed or has not. */
function makeCertificates(folder: string): Record<'one' | 'two' | 'stranger', Credentials> {
  const openssl = (...words: string[]): void => {
    execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' })
  }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const authority = (name: string): void =>
    openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-subj',
      `/CN=${name}`,
    )
  const member = (name: string, by: string): void => {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    writeFileSync(join(folder, `${name}.ext`), 'subjectAltName=DNS:listener\n')
    const signed = ['-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-CAcreateserial']
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...signed,
      '-out',
      `${name}.pem`,
      '-extfile',
      `${name}.ext`,
    )
  }
  authority('authority')
  authority('elsewhere')
  member('one', 'authority')
  member('two', 'authority')
  member('stranger', 'elsewhere')
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const credentials = (name: string): Credentials => ({
    kind: 'certificates',
    key: read(`${name}.key`),
    cert: read(`${name}.pem`),
    ca: read('authority.pem'),
  })
  return { one: credentials('one'), two: credentials('two'), stranger: credentials('stranger') }
}

/** Somebody listens there whom the authority does not know: he is told nothing. */
async function testImpostor(t: Test, his: Credentials, ours: Credentials): Promise<void> {
  let heard = 0
  const gone: Promise<unknown>[] = []
  const server = createTlsServer(listenOptions(his), (socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.byteLength
    })
    gone.push(new Promise((resolve) => socket.once('close', resolve)))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await t.rejects(call(port, { credentials: ours }), { code: 'ERR_GOAWAY_SECRET' })
  await Promise.all(gone)
  t.equal(heard, 0, 'an opening is for nobody but the cluster')
  server.close()
}

async function testCertificates(
  t: Test,
  { one, two, stranger }: Record<'one' | 'two' | 'stranger', Credentials>,
): Promise<void> {
  const listener = await host({ credentials: one })
  const { end } = await call(listener.port, { credentials: two })
  listener.linked[0]?.end.open({ received() {}, closed() {} })
  t.equal(await closeEnd(end), undefined, 'those of one authority are linked')
  await t.rejects(call(listener.port, { credentials: two, name: 'other' }), {
    code: 'ERR_GOAWAY_SECRET',
    message: /certificate is not accepted/,
  })
  await t.rejects(call(listener.port, { credentials: stranger }), {
    code: 'ERR_GOAWAY_SECRET',
    message: /certificate is not accepted/,
  })
  // Those who left by themselves are told of as well, before or after.
  t.match(listener.warnings.join('\n'), /certificate is not accepted/)
  await t.rejects(call(listener.port, { credentials: secret }), { code: 'ERR_GOAWAY_SECRET' })
  await listener.close()
  const withSecret = await host()
  await t.rejects(call(withSecret.port, { credentials: two }), { code: 'ERR_GOAWAY_SECRET' })
  await withSecret.close()
  const impostor = await host({ credentials: stranger })
  await t.rejects(call(impostor.port, { credentials: two }), { code: 'ERR_GOAWAY_SECRET' })
  await impostor.close()
  await testImpostor(t, stranger, two)
  await t.rejects(host({ credentials: { ...one, key: 'no key' } as Credentials }), {
    code: 'ERR_GOAWAY_CONFIG',
  })
  t.same([listener.linked.length, withSecret.linked, impostor.linked], [1, [], []])
}

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const skip = hasOpenssl() ? false : 'no openssl here to make certificates with'
t.test('certificates have to be signed by the authority, on both sides', { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'goaway-certificates-'))
  try {
    await testCertificates(t, makeCertificates(folder))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
