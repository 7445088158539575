/**
 * What the processes of a cluster know each other by: certificates, or a secret that all of them
 * have. There is no cluster without one, on a single machine neither: whoever may speak to a node
 * may run code on it.
 *
 * The secret never appears in a message, an argument or the environment of a child process.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { GoawayError } from '../errors.ts'
import { secretBytesMin } from '../limits.ts'
import type { Credentials } from '../transport/credentials.ts'
import type { CredentialsSource } from './cluster-config.ts'
import { expandHome, goawayHome } from './goaway-home.ts'

const secretBytesMade = 32
const lineFeed = 0x0a
const carriageReturn = 0x0d

/**
 * The certificates if any are given; else the secret: GOAWAY_SECRET, `secretFile`, or the file
 * `secret` in `~/.goaway` (or GOAWAY_HOME), which is made on first use.
 *
 * @throws {GoawayError} ERR_GOAWAY_SECRET if it is missing, too short or readable by others
 */
export function loadCredentials(
  from: CredentialsSource,
  env: NodeJS.ProcessEnv = process.env,
): Credentials {
  const { certificates, secretFile } = from
  if (certificates !== undefined) {
    return {
      kind: 'certificates',
      key: readPem(certificates.key, 'key', true),
      cert: readPem(certificates.cert, 'cert', false),
      ca: readPem(certificates.ca, 'ca', false),
    }
  }
  const given = env.GOAWAY_SECRET
  if (given !== undefined) return secretOf(Buffer.from(given, 'utf8'), 'GOAWAY_SECRET')
  if (secretFile !== undefined) {
    const path = expandHome(secretFile)
    return secretOf(readPrivate(path, 'secret file'), `secret file ${path}`)
  }
  const path = join(goawayHome(env), 'secret')
  return secretOf(readOrMake(path), `secret file ${path}`)
}

function secretOf(bytes: Uint8Array, where: string): Credentials {
  let { length } = bytes
  if (bytes[length - 1] === lineFeed) length--
  if (bytes[length - 1] === carriageReturn) length--
  if (length < secretBytesMin) {
    const found = length === 0 ? 'it is empty' : `it has ${length} bytes`
    throw new GoawayError(
      'ERR_GOAWAY_SECRET',
      `Cannot use the secret of ${where}: ${found}; it needs ${secretBytesMin} at least, such as ` +
        'those of "openssl rand -base64 32"',
    )
  }
  // A copy: a small buffer shares its memory with others, and a port would send all of it.
  return { kind: 'secret', secret: new Uint8Array(bytes.subarray(0, length)) }
}

function readPem(path: string, name: string, isPrivate: boolean): string {
  const what = `certificates.${name}`
  const bytes = isPrivate ? readPrivate(path, what) : readOpen(path, what, false)
  const text = Buffer.from(bytes).toString('utf8')
  if (/-----BEGIN [A-Z0-9 ]+-----/.test(text)) return text
  throw new GoawayError(
    'ERR_GOAWAY_SECRET',
    `Cannot use ${what}: ${path} is no PEM file; it has no line "-----BEGIN ..."`,
  )
}

function readPrivate(path: string, what: string): Uint8Array {
  return readOpen(path, what, true)
}

function readOpen(path: string, what: string, isPrivate: boolean): Uint8Array {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const { mode } = fstatSync(file)
    // Windows has no such bits.
    if (isPrivate && process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new GoawayError(
        'ERR_GOAWAY_SECRET',
        `Cannot use ${what} ${path}: others than you may open it (mode ` +
          `${(mode & 0o777).toString(8).padStart(4, '0')}), and whoever has it may run code on ` +
          `the nodes; run: chmod 600 '${path}'`,
      )
    }
    return readFileSync(file)
  } catch (cause) {
    if (cause instanceof GoawayError) throw cause
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : message
    throw new GoawayError('ERR_GOAWAY_SECRET', `Cannot read ${what} ${path}: ${why}`, { cause })
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function readOrMake(path: string): Uint8Array {
  try {
    makeOnce(path)
  } catch (cause) {
    throw new GoawayError(
      'ERR_GOAWAY_SECRET',
      `Cannot make secret file ${path}: ${(cause as Error).message}; set GOAWAY_SECRET, or ` +
        'secretFile in the cluster file',
      { cause },
    )
  }
  return readPrivate(path, 'secret file')
}

/**
 * Two processes that come at once end with one secret: each writes its own file whole, and only the
 * first can give it the name.
 */
function makeOnce(path: string): void {
  const folder = dirname(path)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (exists(path)) return
  const draft = join(folder, `.secret-${process.pid}-${randomBytes(6).toString('hex')}`)
  const secret = randomBytes(secretBytesMade).toString('base64url')
  writeFileSync(draft, `${secret}\n`, { mode: 0o600, flag: 'wx' })
  try {
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(draft)
  }
}

function exists(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'))
    return true
  } catch (error) {
    // What is there and may not be opened is told by whoever reads it.
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'
  }
}
