/** What tests of links over TCP need: both ends in one process. */
import type { Hello, LinkEnd } from '../../lib/transport/contract.ts'
import {
  type Credentials,
  type DialOptions,
  dial,
  type ListenOptions,
  listen,
  type TcpListener,
} from '../../lib/transport/tcp.ts'

export const secret: Credentials = { kind: 'secret', secret: new Uint8Array(32).fill(3) }

export function makeHello(changes: Partial<Hello> = {}): Hello {
  return {
    protocol: 1,
    version: '1.2.3',
    runtime: process.version,
    purpose: 'peer',
    application: 'a',
    name: 'node',
    place: 1,
    incarnation: 'first',
    ...changes,
  }
}

/** A listener that remembers whom it let in. */
export interface Host extends TcpListener {
  readonly linked: { readonly peer: Hello; readonly end: LinkEnd }[]
  readonly warnings: string[]
}

export async function host(changes: Partial<ListenOptions> = {}): Promise<Host> {
  const linked: { readonly peer: Hello; readonly end: LinkEnd }[] = []
  const warnings: string[] = []
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    credentials: secret,
    hello: () => makeHello({ name: 'listener' }),
    graceMs: () => 2000,
    admit: () => undefined,
    linked: (peer, end) => linked.push({ peer, end }),
    warn: (text) => warnings.push(text),
    ...changes,
  })
  return { linked, warnings, port: listener.port, close: () => listener.close() }
}

export function call(
  port: number,
  changes: Partial<DialOptions> = {},
): Promise<{ peer: Hello; end: LinkEnd }> {
  return dial({
    host: '127.0.0.1',
    port,
    name: 'listener',
    credentials: secret,
    hello: makeHello({ name: 'dialer' }),
    graceMs: 2000,
    // Nobody who listens is given up because this thread stood still.
    timeoutMs: 60_000,
    ...changes,
  })
}

export interface TcpLinkEnds {
  readonly dialed: LinkEnd
  readonly listened: LinkEnd
  release(): Promise<void>
}

export async function tcpLink(credentials = secret): Promise<TcpLinkEnds> {
  const listener = await host({ credentials })
  const { end } = await call(listener.port, { credentials })
  const listened = listener.linked[0]?.end as LinkEnd
  return { dialed: end, listened, release: () => listener.close() }
}
