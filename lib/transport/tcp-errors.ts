/** What TLS and the network say, in words that tell what to do. */
import { GoawayError, type GoawayErrorCode, isGoawayError } from '../errors.ts'

interface SystemError extends Error {
  readonly code?: string
  readonly reason?: string
}

/** Where a connection leads, for messages: `node "b" (10.0.0.7:9060)`. */
export function placeOf(name: string, host: string, port: number): string {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return name === '' ? address : `node ${JSON.stringify(name)} (${address})`
}

/** The process may be about to start, or its port free for a moment. */
export function isWorthRetrying(error: unknown): boolean {
  const code = (error as SystemError | undefined)?.code ?? ''
  return /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|EAI_AGAIN|ERR_GOAWAY_AGAIN)$/.test(code)
}

const secretAlerts =
  /ILLEGAL_PARAMETER|BINDER_DOES_NOT_VERIFY|BAD_RECORD_MAC|DECRYPT_ERROR|UNKNOWN_PSK|INAPPROPRIATE/
const kindAlerts =
  /HANDSHAKE_FAILURE|NO_SHARED_CIPHER|NO_SUITABLE|MISSING_EXTENSION|PROTOCOL_VERSION|UNSUPPORTED/
const certificateAlerts =
  /CERT|UNKNOWN_CA|UNABLE_TO|SELF_SIGNED|PEER_DID_NOT_RETURN|ALTNAME|_CA_|EXPIRED/
const nothingLikeIt = /WRONG_VERSION|PACKET_LENGTH|RECORD|UNEXPECTED_MESSAGE|HTTP_REQUEST/

/** What is wrong with whom we connect to, as code and words; undefined: nothing that TLS knows. */
function explain(error: SystemError): [GoawayErrorCode, string] | undefined {
  const code = error.code ?? ''
  if (!/^(ERR_SSL|ERR_TLS|CERT|DEPTH|SELF|UNABLE|HOSTNAME|INVALID)/.test(code)) return undefined
  if (secretAlerts.test(code)) {
    return [
      'ERR_GOAWAY_SECRET',
      'the secrets differ; give both the same (GOAWAY_SECRET, secretFile)',
    ]
  }
  if (certificateAlerts.test(code)) {
    return [
      'ERR_GOAWAY_SECRET',
      "a certificate is not accepted; both need one that is signed by the cluster's authority",
    ]
  }
  if (kindAlerts.test(code)) {
    return [
      'ERR_GOAWAY_SECRET',
      'one has a secret and the other certificates, or one is no node; give both the same kind',
    ]
  }
  if (nothingLikeIt.test(code)) {
    return ['ERR_GOAWAY_NODE_UNREACHABLE', 'what listens there is no node; look at host and port']
  }
  return ['ERR_GOAWAY_SECRET', 'TLS was refused; give both the same secret or certificates']
}

const networkRemedies: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there; start `goaway node` there, or look at host and port',
  ECONNRESET: 'it closed the connection; look at its log',
  ENOTFOUND: 'no such host; look at the name in the cluster file',
  EAI_AGAIN: 'the host name cannot be looked up now; look at the name service',
  ETIMEDOUT: 'no answer; look at host, port and firewall',
  EHOSTUNREACH: 'there is no way to that host; look at host and network',
  ENETUNREACH: 'there is no way to that network; look at host and network',
}

/** Why a connection could not be made, for who wanted it. */
export function dialError(error: unknown, place: string): GoawayError {
  if (isGoawayError(error)) return error
  const cause = error as SystemError
  const [code, words] = explain(cause) ?? [
    'ERR_GOAWAY_NODE_UNREACHABLE' as const,
    networkRemedies[cause.code ?? ''] ?? 'look at host, port and network',
  ]
  const said = cause.reason ?? cause.message
  return new GoawayError(code, `Cannot connect to ${place}: ${said}: ${words}`, { cause })
}

/** What a connection that came to nothing is to be called in a warning; its kind for counting. */
export function strangerWarning(error: unknown, from: string): { kind: string; text: string } {
  const cause = error as SystemError
  const explained = explain(cause)
  const code = cause.code ?? 'ERR_TLS'
  const words = explained === undefined ? cause.message : `${explained[1]} (${code})`
  return { kind: explained?.[0] ?? code, text: `Refused a connection from ${from}: ${words}` }
}

export function listenError(error: unknown, host: string, port: number): GoawayError {
  const cause = error as SystemError
  const remedies: Readonly<Record<string, string>> = {
    EADDRINUSE: 'the port is taken; stop what listens there, or choose another port',
    EACCES: 'that port needs rights that this user has not; choose one above 1023',
    EADDRNOTAVAIL: 'this machine has no such address; choose one of its own, or 0.0.0.0',
    ENOTFOUND: 'no such host; choose an address of this machine, or 0.0.0.0',
  }
  const words = remedies[cause.code ?? ''] ?? 'look at host and port'
  const place = placeOf('', host, port)
  return new GoawayError(
    'ERR_GOAWAY_CONFIG',
    `Cannot listen on ${place}: ${cause.message}: ${words}`,
    { cause },
  )
}
