/**
 * What is said on a connection before there is a link: the dialer's opening, with which net-ipc
 * connects, and the listener's answer, both JSON. Both come from somebody who holds the secret, and
 * are bounded (`net-ipc-connection.ts`) and checked all the same.
 */
import { GoawayError, type GoawayErrorCode } from '../errors.ts'
import type { Hello } from './contract.ts'
import { protocolError } from './link-record.ts'

export interface Opening {
  readonly hello: Hello
  readonly link: string
  /** Counts the connections that the dialer has tried for this link. */
  readonly attempt: number
  /** There was a connection before. */
  readonly resumes: boolean
  /** Incarnation of the process that is meant; '' for any. */
  readonly expects: string
  /** Sequence number of the last record that is complete. */
  readonly received: number
}

export interface OpeningAnswer {
  /** Not for who has no certificate. */
  readonly hello?: Hello
  readonly received: number
  readonly refused?: { readonly code: string; readonly message: string }
}

/** An answer that lets the dialer in. */
export interface Welcome {
  readonly hello: Hello
  readonly received: number
}

const purposes: readonly unknown[] = ['claim', 'peer', 'status', 'stop']

/** An answer, as the first packet of bytes. */
export function encodeAnswer(value: OpeningAnswer): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

export function decodeAnswer(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch (error) {
    throw protocolError('an answer that is no JSON', error)
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.length < 2048
const isCount = (value: unknown): value is number => Number.isSafeInteger(value)

/** Both ends of a link must be the same, so this is looked at before anything else. */
export function checkVersions(own: Hello, peer: unknown, place: string): void {
  const hello = (peer ?? {}) as Partial<Hello>
  if (hello.protocol === own.protocol && hello.version === own.version) return
  throw new GoawayError(
    'ERR_GOAWAY_VERSION',
    `Cannot link with ${place}: it has goaway ${hello.version} (protocol ${hello.protocol}), ` +
      `this is goaway ${own.version} (protocol ${own.protocol}); install the same version on both`,
  )
}

export function checkHello(value: unknown): Hello {
  const hello = (value ?? {}) as Partial<Hello>
  const good =
    isCount(hello.protocol) &&
    [hello.version, hello.runtime, hello.application, hello.name, hello.incarnation].every(
      isText,
    ) &&
    purposes.includes(hello.purpose) &&
    isCount(hello.place)
  if (!good) throw protocolError('a hello that lacks something')
  const { protocol, version, runtime, purpose, application, name, place, incarnation } =
    hello as Hello
  return { protocol, version, runtime, purpose, application, name, place, incarnation }
}

export function checkOpening(value: unknown): Opening {
  const { hello, link, attempt, resumes, expects, received } = (value ?? {}) as Partial<Opening>
  const good = isText(link) && isText(expects) && isCount(attempt) && isCount(received)
  if (!good || typeof resumes !== 'boolean') throw protocolError('an opening that lacks something')
  return { hello: checkHello(hello), link, attempt, resumes, expects, received }
}

/** The answer, or what it refuses as an error. */
export function checkAnswer(value: unknown, own: Hello, place: string): Welcome {
  const { hello, received, refused } = (value ?? {}) as Partial<OpeningAnswer>
  if (hello === undefined && refused !== undefined) throw refusalOf(refused)
  checkVersions(own, hello, place)
  if (refused !== undefined) throw refusalOf(refused)
  if (!isCount(received)) throw protocolError('an answer that lacks something')
  return { hello: checkHello(hello), received }
}

function refusalOf({ code, message }: { code?: unknown; message?: unknown }): GoawayError {
  const known = isText(code) && /^ERR_GOAWAY_[A-Z_]+$/.test(code)
  return new GoawayError(
    (known ? code : 'ERR_GOAWAY_PROTOCOL') as GoawayErrorCode,
    isText(message) ? message : 'Refused without a reason',
  )
}

/** The number before the first dot. */
export function majorOf(runtime: string): string {
  return runtime.replace(/^v/, '').split('.')[0] as string
}
