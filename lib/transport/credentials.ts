/**
 * By what the processes of a cluster know each other, as options of TLS. There is no connection
 * without: whoever speaks to a node can have it run code.
 *
 * - A secret is the key of TLS 1.3 (PSK, with an ephemeral exchange): a stranger does not get as
 *   far as the first byte of ours. The key is made from the secret, which itself is never used.
 * - Certificates are checked on both sides: each must be signed by the cluster's own authority, and
 *   that of a node must be made out to its host or its name.
 */
import { createHash } from 'node:crypto'
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  type TlsOptions,
} from 'node:tls'
import { GoawayError } from '../errors.ts'
import { openingMsMax, secretBytesMin } from '../limits.ts'

/** Plain data: it is posted between threads. Certificates are PEM texts. */
export type Credentials =
  | { readonly kind: 'secret'; readonly secret: Uint8Array }
  | {
      readonly kind: 'certificates'
      readonly key: string
      readonly cert: string
      readonly ca: string
    }

const identity = 'goaway'
// The one suite of TLS 1.3 that Node's pskCallback works with and every build has.
const pskCiphers = 'TLS_AES_128_GCM_SHA256'

function keyOf(secret: Uint8Array): Buffer {
  if (!(secret instanceof Uint8Array) || secret.byteLength < secretBytesMin) {
    const bytes = secret instanceof Uint8Array ? secret.byteLength : 0
    throw new GoawayError(
      'ERR_GOAWAY_SECRET',
      `Cannot use a secret of ${bytes} bytes: it needs ${secretBytesMin} or more; make one with ` +
        '`openssl rand -hex 32`',
    )
  }
  return createHash('sha256').update('goaway link 1\0').update(secret).digest()
}

function checkCertificates(credentials: Credentials & { kind: 'certificates' }): void {
  const { key, cert, ca } = credentials
  try {
    if (!key || !cert || !ca) throw new Error('key, cert and ca are all needed')
    createSecureContext({ key, cert, ca })
  } catch (cause) {
    throw new GoawayError(
      'ERR_GOAWAY_CONFIG',
      `Cannot use the certificates: ${(cause as Error).message}; give PEM texts that match`,
      { cause },
    )
  }
}

export function listenOptions(credentials: Credentials): TlsOptions {
  const common: TlsOptions = {
    minVersion: 'TLSv1.3',
    handshakeTimeout: openingMsMax,
    noDelay: true,
  } as TlsOptions
  if (credentials.kind === 'secret') {
    const key = keyOf(credentials.secret)
    return {
      ...common,
      ciphers: pskCiphers,
      pskCallback: (_socket, claimed) => (claimed === identity ? key : null),
    }
  }
  checkCertificates(credentials)
  const { key, cert, ca } = credentials
  // Node would close the connection without a word; whoever listens has to look at `authorized`.
  return { ...common, key, cert, ca, requestCert: true, rejectUnauthorized: false }
}

export function dialOptions(
  credentials: Credentials,
  host: string,
  name: string,
): ConnectionOptions {
  const common: ConnectionOptions = { minVersion: 'TLSv1.3' }
  if (credentials.kind === 'secret') {
    const psk = keyOf(credentials.secret)
    return {
      ...common,
      ciphers: pskCiphers,
      pskCallback: () => ({ psk, identity }),
      // There are no certificates; the key is what tells who it is.
      checkServerIdentity: () => undefined,
    }
  }
  checkCertificates(credentials)
  const { key, cert, ca } = credentials
  return {
    ...common,
    key,
    cert,
    ca,
    checkServerIdentity: (_asked: string, certificate: PeerCertificate) =>
      checkServerIdentity(name, certificate) === undefined
        ? undefined
        : checkServerIdentity(host, certificate),
  }
}
