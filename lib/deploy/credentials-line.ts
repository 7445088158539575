/**
 * Credentials as one line of text, base64, for the standard input of a process on another machine:
 * that way they stand in no argument, no environment and no file there.
 */
import { GoawayError } from '../errors.ts'
import { credentialsLineMax } from '../limits.ts'
import type { Credentials } from '../transport/credentials.ts'

export function writeCredentials(credentials: Credentials): string {
  const plain =
    credentials.kind === 'secret'
      ? { kind: 'secret', secret: Buffer.from(credentials.secret).toString('base64') }
      : credentials
  return Buffer.from(JSON.stringify(plain)).toString('base64')
}

/** @throws {GoawayError} ERR_GOAWAY_SECRET, without the line: it may be a secret */
export function readCredentials(line: string): Credentials {
  try {
    const plain = JSON.parse(Buffer.from(line, 'base64').toString()) as Record<string, unknown>
    const text = (key: string): string => {
      const value = plain[key]
      if (typeof value !== 'string' || value === '') throw new TypeError(`no ${key}`)
      return value
    }
    if (plain.kind === 'secret') {
      return { kind: 'secret', secret: new Uint8Array(Buffer.from(text('secret'), 'base64')) }
    }
    if (plain.kind !== 'certificates') throw new TypeError('no kind')
    return { kind: 'certificates', key: text('key'), cert: text('cert'), ca: text('ca') }
  } catch {
    throw new GoawayError(
      'ERR_GOAWAY_SECRET',
      'Cannot read credentials from standard input: its first line is none that goaway writes; ' +
        '--stdin is for launchers, use --secret-file',
    )
  }
}

/**
 * The first line of standard input, and a promise of its end.
 *
 * @throws {GoawayError} ERR_GOAWAY_SECRET when it ends before, or the line is too long
 */
export async function credentialsFromInput(
  input: NodeJS.ReadableStream,
): Promise<{ readonly credentials: Credentials; readonly ended: Promise<void> }> {
  let text = ''
  let over = (): void => {}
  const ended = new Promise<void>((resolve) => {
    over = resolve
  })
  await new Promise<void>((resolve) => {
    input.on('data', (chunk: Buffer | string) => {
      if (!text.includes('\n') && text.length <= credentialsLineMax) text += chunk.toString()
      if (text.includes('\n') || text.length > credentialsLineMax) resolve()
    })
    for (const event of ['end', 'close', 'error']) {
      input.on(event, () => {
        over()
        resolve()
      })
    }
  })
  return { credentials: readCredentials(text.split('\n')[0] as string), ended }
}
