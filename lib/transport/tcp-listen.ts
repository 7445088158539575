/**
 * The listening end of links over TCP.
 *
 * - No byte of ours is read or written before TLS knows that the other end holds the secret, or a
 *   certificate of the cluster.
 * - Strangers are those who have not shown that, or not said yet what they want. They are bounded
 *   in number and time; when there are too many, the oldest goes, so that one who knows what to say
 *   still gets through.
 * - net-ipc hears only of who is no stranger to TLS: this file stands between it and its server.
 */
import type { Socket } from 'node:net'
import type { TLSSocket, Server as TlsServer } from 'node:tls'
import { type Connection as NetIpcPeer, Server } from 'net-ipc'
import type { GoawayError } from '../errors.ts'
import { openingMsMax, strangersMax, strangerWarningMs } from '../limits.ts'
import type { Hello, LinkEnd } from './contract.ts'
import { type Credentials, listenOptions } from './credentials.ts'
import { NetIpcConnection, writeUnheard } from './net-ipc-connection.ts'
import { listenError, placeOf, strangerWarning } from './tcp-errors.ts'
import { TcpLink } from './tcp-link.ts'
import {
  checkOpening,
  checkVersions,
  encodeAnswer,
  majorOf,
  type Opening,
  type OpeningAnswer,
} from './tcp-opening.ts'

export interface ListenOptions {
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
  readonly credentials: Credentials
  /** What this process says of itself, whenever somebody asks. */
  hello(): Hello
  /** A link that breaks for less resumes. */
  graceMs(): number
  /** Why somebody is not let in; undefined if he is. */
  admit(peer: Hello): { readonly code: string; readonly message: string } | undefined
  /** There is a new link; not called when one resumes. */
  linked(peer: Hello, end: LinkEnd): void
  warn(text: string): void
}

export interface TcpListener {
  readonly port: number
  /** Lets nobody in any more. Links stay, but cannot resume. */
  close(): Promise<void>
}

/** Rejects with `ERR_GOAWAY_CONFIG` if it cannot listen there. */
export async function listen(options: ListenOptions): Promise<TcpListener> {
  const listening = new Listening(options)
  await listening.start()
  return listening
}

interface Known {
  readonly link: TcpLink
  attempt: number
}

class Listening implements TcpListener {
  readonly #options: ListenOptions
  readonly #netIpc: Server
  #server: TlsServer | undefined
  #port = 0
  readonly #links = new Map<string, Known>()
  /** By address and port, the oldest first. */
  readonly #strangers = new Map<string, { socket: Socket; timer: NodeJS.Timeout }>()
  readonly #connections = new WeakMap<object, NetIpcConnection>()
  /** Of whom net-ipc knows, and has not told us. */
  readonly #unheard = new WeakSet<object>()
  /** When the last warning of a kind was given. */
  readonly #warned = new Map<string, number>()

  constructor(options: ListenOptions) {
    this.#options = options
    const netIpc = new Server({
      port: options.port || 1,
      tls: true,
      options: listenOptions(options.credentials),
      listenOptions: { host: options.host },
      retries: 0,
    })
    // It takes 0 for no port; as text it is one, and means any that is free.
    ;(netIpc.options as { port: unknown }).port = String(options.port)
    this.#netIpc = netIpc
    netIpc.on('connect', (peer, opening: unknown) => this.#open(peer, opening))
    netIpc.on('message', (message: unknown, { connection }) => {
      this.#connections.get(connection)?.heard(message)
    })
  }

  get port(): number {
    return this.#port
  }

  start(): Promise<void> {
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      let isListening = false
      this.#netIpc.on('error', (event: unknown, peer?: NetIpcPeer) => {
        const error = event as Error
        if (peer !== undefined) this.#failed(peer, error)
        // Such as too many open files: those who listen already go on.
        else if (isListening) this.#options.warn(`Listening: ${error.message}`)
        // What starts it does not settle then.
        else reject(listenError(error, host, port))
      })
      const started = this.#netIpc.start()
      const server = this.#netIpc.server as TlsServer
      this.#server = server
      this.#stand(server)
      void started.then(() => {
        isListening = true
        this.#port = (server.address() as { port: number }).port
        resolve()
      }, reject)
    })
  }

  /** Between net-ipc and its server. */
  #stand(server: TlsServer): void {
    const [handOver] = server.listeners('secureConnection') as ((socket: TLSSocket) => void)[]
    server.removeAllListeners('secureConnection')
    server.on('connection', (socket: Socket) => this.#meet(socket))
    server.on('secureConnection', (socket: TLSSocket) => {
      if (this.#greet(socket)) handOver?.(socket)
    })
    server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      socket.on('error', () => {})
      if (socket.remoteAddress !== undefined) this.#warn(error, addressOf(socket))
      socket.destroy()
    })
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      // It tells when all connections are gone, which may be long after the port is free.
      // net-ipc's own way waits for a queue that all connections of the process share.
      this.#server?.close()
      setImmediate(resolve)
    })
    for (const { socket } of this.#strangers.values()) socket.destroy()
    await closed
  }

  /** A connection of which nothing is known. */
  #meet(socket: Socket): void {
    const key = addressOf(socket)
    if (this.#strangers.size >= strangersMax) {
      const [oldest] = this.#strangers.values()
      oldest?.socket.destroy()
    }
    const timer = setTimeout(() => socket.destroy(), openingMsMax)
    this.#strangers.set(key, { socket, timer })
    socket.on('error', () => {})
    socket.on('close', () => this.#acquaint(key, socket))
  }

  #acquaint(key: string, socket?: Socket): void {
    const stranger = this.#strangers.get(key)
    if (stranger === undefined || (socket !== undefined && stranger.socket !== socket)) return
    clearTimeout(stranger.timer)
    this.#strangers.delete(key)
  }

  /** Whether somebody is to be heard: he holds the secret; what he wants is not known. */
  #greet(socket: TLSSocket): boolean {
    socket.on('error', () => {})
    if (this.#options.credentials.kind === 'certificates' && !socket.authorized) {
      this.#refuseCertificate(socket)
      return false
    }
    this.#connections.set(socket, new NetIpcConnection(socket, 'listener'))
    this.#unheard.add(socket)
    const from = addressOf(socket)
    socket.on('close', (hadError: boolean) => {
      if (!this.#unheard.delete(socket)) return
      const closed = new Error('it closed the connection')
      if (!hadError) this.#warn(Object.assign(closed, { code: 'ECONNRESET' }), from)
      // net-ipc waits 10 s for its first packet, also of a connection that is gone, and keeps the
      // process alive for it; this is how it hears that there is nothing to wait for.
      socket.emit('ready')
    })
    return true
  }

  /** net-ipc has read its first packet, and what the dialer says of himself in it. */
  #open(peer: NetIpcPeer, said: unknown): void {
    const socket = peer.connection as TLSSocket
    const connection = this.#connections.get(socket)
    if (connection === undefined || !this.#unheard.delete(socket)) return
    connection.ready(peer)
    const from = addressOf(socket)
    let opening: Opening
    try {
      checkVersions(this.#options.hello(), (said as Partial<Opening> | null)?.hello, from)
      opening = checkOpening(said)
    } catch (error) {
      this.#warn(error as Error, from)
      this.#answerRefusal(connection, error as GoawayError)
      return
    }
    this.#acquaint(from)
    const refusal = this.#admit(opening)
    if (refusal === undefined) this.#let(socket, connection, opening)
    else this.#answerRefusal(connection, refusal)
  }

  /** What net-ipc says of a connection; of one that has a link, the link knows. */
  #failed(peer: NetIpcPeer, error: Error): void {
    const socket = peer.connection as TLSSocket
    if (this.#unheard.has(socket)) this.#warn(error, addressOf(socket))
    // Or net-ipc closes it, in its own time.
    peer.destroy()
  }

  #admit({
    hello,
    link,
    resumes,
    expects,
  }: Opening): { code: string; message: string } | undefined {
    const { incarnation, name } = this.#options.hello()
    if (expects !== '' && expects !== incarnation) {
      const node = JSON.stringify(name)
      const message = `The process of node ${node} that was linked is gone; another one answers`
      return { code: 'ERR_GOAWAY_NODE_LOST', message }
    }
    if (this.#links.has(link)) return undefined
    if (resumes) {
      const message = `Node ${JSON.stringify(name)} has given up the link: it was broken too long`
      return { code: 'ERR_GOAWAY_LINK_LOST', message }
    }
    return this.#options.admit(hello)
  }

  #let(
    socket: TLSSocket,
    connection: NetIpcConnection,
    { hello, link: id, attempt, received }: Opening,
  ): void {
    const known = this.#links.get(id)
    // An attempt that was given up by its dialer and comes late.
    if (known !== undefined && attempt <= known.attempt) {
      socket.destroy()
      return
    }
    const link = known?.link ?? this.#makeLink(id, hello, socket)
    this.#links.set(id, { link, attempt })
    connection.write(encodeAnswer({ hello: this.#options.hello(), received: link.received }))
    connection.expectRecords()
    if (known === undefined) this.#introduce(hello, link)
    link.attach(connection, received)
  }

  #makeLink(id: string, hello: Hello, socket: TLSSocket): TcpLink {
    return new TcpLink({
      place: placeOf(hello.name, socket.remoteAddress ?? '?', socket.remotePort ?? 0),
      graceMs: this.#options.graceMs,
      over: () => this.#links.delete(id),
    })
  }

  #introduce(peer: Hello, link: TcpLink): void {
    const { runtime } = this.#options.hello()
    if (majorOf(runtime) !== majorOf(peer.runtime)) {
      this.#options.warn(
        `${JSON.stringify(peer.name)} runs Node ${peer.runtime}, this is ${runtime}: values may ` +
          'not survive the way; install the same major version',
      )
    }
    this.#options.linked(peer, link)
  }

  /** A stranger to the end: nothing of his is read, and nothing told but this. */
  #refuseCertificate(socket: TLSSocket): void {
    const reason = String(socket.authorizationError ?? 'it has none')
    this.#warn(Object.assign(new Error(reason), { code: 'CERT_REFUSED' }), addressOf(socket))
    const remedy = "use one that the cluster's authority signed"
    const message = `The certificate is not accepted there: ${reason}; ${remedy}`
    const refused = { code: 'ERR_GOAWAY_SECRET', message }
    writeUnheard(socket, { received: 0, refused } satisfies OpeningAnswer)
    socket.end()
    socket.resume()
    destroyLate(socket)
  }

  /** He still counts as a stranger until his connection is gone, and cannot stay. */
  #answerRefusal(
    connection: NetIpcConnection,
    { code, message }: { code: string; message: string },
  ): void {
    const answer = { hello: this.#options.hello(), received: 0, refused: { code, message } }
    connection.write(encodeAnswer(answer))
    connection.end()
    destroyLate(connection)
  }

  #warn(error: Error, from: string): void {
    const { kind, text } = strangerWarning(error, from)
    const now = performance.now()
    if (now - (this.#warned.get(kind) ?? Number.NEGATIVE_INFINITY) < strangerWarningMs) return
    // Kinds are codes of TLS and of the system: some dozens.
    this.#warned.set(kind, now)
    this.#options.warn(text)
  }
}

/** Whoever has been refused is to go by himself, and soon. */
function destroyLate(gone: TLSSocket | NetIpcConnection): void {
  const timer = setTimeout(() => gone.destroy(), openingMsMax)
  gone.once('close', () => clearTimeout(timer))
}

function addressOf(socket: Socket): string {
  return placeOf('', socket.remoteAddress ?? '?', socket.remotePort ?? 0)
}
