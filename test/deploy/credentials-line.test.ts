import { PassThrough } from 'node:stream'
import t from 'tap'
import {
  credentialsFromInput,
  readCredentials,
  writeCredentials,
} from '../../lib/deploy/credentials-line.ts'
import { credentialsLineMax } from '../../lib/limits.ts'

const secret = { kind: 'secret', secret: new Uint8Array([0, 1, 254, 255]) } as const
const certificates = { kind: 'certificates', key: 'a\nb\n', cert: 'é', ca: 'd' } as const

t.test('readCredentials() reads what writeCredentials() writes, in one line', async (t) => {
  for (const credentials of [secret, certificates]) {
    const line = writeCredentials(credentials)
    t.match(line, /^[A-Za-z0-9+/=]+$/)
    t.same(readCredentials(line), credentials)
  }
})

t.test('readCredentials() refuses everything else, and does not show it', async (t) => {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')
  for (const line of [
    '',
    'my secret',
    encode(null),
    encode({ kind: 'secret' }),
    encode({ kind: 'secret', secret: '' }),
    encode({ kind: 'certificates', key: 'a', cert: 'b' }),
    encode({ kind: 'other', secret: 'abcd' }),
  ]) {
    t.throws(() => readCredentials(line), {
      code: 'ERR_GOAWAY_SECRET',
      message: /^Cannot read credentials from standard input: its first line is none that goaway/,
    })
  }
})

t.test(
  'credentialsFromInput() takes the first line, in any pieces, and tells the end',
  async (t) => {
    const input = new PassThrough()
    const reading = credentialsFromInput(input)
    const line = `${writeCredentials(secret)}\nmore\n`
    for (const letter of line) input.write(letter)
    const { credentials, ended } = await reading
    t.same(credentials, secret)
    input.end('and more')
    await ended
  },
)

t.test('credentialsFromInput() gives up on an input that ends, or has no lines', async (t) => {
  const empty = new PassThrough()
  empty.end()
  await t.rejects(credentialsFromInput(empty), { code: 'ERR_GOAWAY_SECRET' })
  const endless = new PassThrough()
  const reading = credentialsFromInput(endless)
  for (let bytes = 0; bytes <= credentialsLineMax; bytes += 65_536)
    endless.write('x'.repeat(65_536))
  await t.rejects(reading, { code: 'ERR_GOAWAY_SECRET' })
  endless.end()
})
