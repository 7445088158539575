import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadCredentials } from '../../lib/deploy/secret.ts'

const folder = t.testdir()
const long = 'correct horse battery staple'

function secretText(...how: Parameters<typeof loadCredentials>): string {
  const credentials = loadCredentials(...how)
  if (credentials.kind !== 'secret') throw new Error(credentials.kind)
  return Buffer.from(credentials.secret).toString()
}

function write(name: string, text: string, mode = 0o600): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

t.test(
  'loadCredentials() takes certificates, GOAWAY_SECRET and secretFile, in this order',
  async (t) => {
    const secretFile = write('secret', `${long} of a file\r\n`)
    const pem = '-----BEGIN CERTIFICATE-----\n'
    const key = write('key.pem', pem)
    const open = write('open.pem', pem, 0o644)
    const env = { GOAWAY_SECRET: `${long}\n` }
    t.same(loadCredentials({ secretFile, certificates: { key, cert: open, ca: open } }, env), {
      kind: 'certificates',
      key: pem,
      cert: pem,
      ca: pem,
    })
    t.equal(secretText({ secretFile }, env), long)
    t.equal(secretText({ secretFile }, {}), `${long} of a file`)
    const credentials = loadCredentials({}, env)
    t.equal(credentials.kind === 'secret' && credentials.secret.buffer.byteLength, long.length)
  },
)

t.test('loadCredentials() refuses what is missing, short, empty or open to others', async (t) => {
  const code = 'ERR_GOAWAY_SECRET'
  t.throws(() => loadCredentials({}, { GOAWAY_SECRET: 'short' }), { code, message: /5 bytes/ })
  t.throws(() => loadCredentials({}, { GOAWAY_SECRET: '' }), { code, message: /it is empty/ })
  const file = (secretFile: string) => () => loadCredentials({ secretFile }, {})
  t.throws(file(write('empty', '\n')), { code, message: /it is empty/ })
  t.throws(file(join(folder, 'none')), { code, message: /there is no such file/ })
  const open = write('open', long, 0o640)
  t.throws(file(open), { code, message: `mode 0640), and whoever` })
  t.throws(file(open), { code, message: `run: chmod 600 '${open}'` })
  const key = write('not.pem', long)
  const certificates = { key, cert: key, ca: key }
  t.throws(() => loadCredentials({ certificates }, {}), { code, message: /is no PEM file/ })
  try {
    loadCredentials({}, { GOAWAY_SECRET: 'hunter2' })
  } catch (error) {
    t.notMatch(String(error), /hunter2/)
  }
})

t.test('loadCredentials() makes a secret on first use, for its owner alone', async (t) => {
  const home = join(folder, 'home', 'goaway')
  const env = { GOAWAY_HOME: home }
  const first = secretText({}, env)
  t.match(first, /^[\w-]{43}$/)
  t.equal(secretText({}, env), first)
  t.equal(statSync(home).mode & 0o777, 0o700)
  t.equal(statSync(join(home, 'secret')).mode & 0o777, 0o600)
  t.equal(readFileSync(join(home, 'secret'), 'utf8'), `${first}\n`)
})

t.test('loadCredentials() in many processes at once ends with one secret', async (t) => {
  const home = join(folder, 'race')
  const module = new URL('../../lib/deploy/secret.js', import.meta.url).href
  // Each says that it is there, and all are let go at once.
  const program = `
    const { loadCredentials } = await import(${JSON.stringify(module)})
    process.stdout.write('ready\\n')
    process.stdin.once('data', () => {
      process.stdout.write(Buffer.from(loadCredentials({}).secret).toString())
      process.stdin.destroy()
    })`
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', program], {
      env: { GOAWAY_HOME: home },
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
  const outputs = children.map(() => '')
  const ready = children.map((child) => once(child.stdout, 'data'))
  await Promise.all(ready)
  const ended = children.map((child, at) => {
    child.stdout.on('data', (text) => {
      outputs[at] += text
    })
    return once(child, 'close')
  })
  for (const child of children) child.stdin.write('go\n')
  await Promise.all(ended)
  t.match(outputs[0], /^[\w-]{43}$/)
  t.equal(new Set(outputs).size, 1)
  t.same(readdirSync(home), ['secret'], 'and no draft is left')
})
