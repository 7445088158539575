/**
 * The listening end of links over TCP.
 *
 * - No byte of ours is read or written before TLS knows that the other end holds the secret, or a
 *   certificate of the cluster.
 * - Strangers are those who have not shown that, or not said yet what they want. They are bounded
 *   in number and time; when there are too many, the oldest goes, so that one who knows what to say
 *   still gets through.
 */
import type { Server, Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { isGoawayError } from '../errors.ts'
import { openingMsMax, strangersMax, strangerWarningMs } from '../limits.ts'
import type { Hello, LinkEnd } from './contract.ts'
import { type Credentials, listenOptions } from './credentials.ts'
import { listenError, placeOf, strangerWarning } from './tcp-errors.ts'
import { TcpLink } from './tcp-link.ts'
import {
  checkOpening,
  checkVersions,
  majorOf,
  type Opening,
  type OpeningAnswer,
  readOpening,
  writeOpening,
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
  readonly #server: Server
  readonly #links = new Map<string, Known>()
  /** By address and port, the oldest first. */
  readonly #strangers = new Map<string, { socket: Socket; timer: NodeJS.Timeout }>()
  /** When the last warning of a kind was given. */
  readonly #warned = new Map<string, number>()

  constructor(options: ListenOptions) {
    this.#options = options
    const server = createServer(listenOptions(options.credentials))
    this.#server = server
    server.on('connection', (socket: Socket) => this.#meet(socket))
    server.on('secureConnection', (socket: TLSSocket) => void this.#greet(socket))
    server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      socket.on('error', () => {})
      if (socket.remoteAddress !== undefined) this.#warn(error, socket)
      socket.destroy()
    })
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  start(): Promise<void> {
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      const refuse = (error: Error): void => reject(listenError(error, host, port))
      this.#server.once('error', refuse)
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', refuse)
        // Such as too many open files: those who listen already go on.
        this.#server.on('error', (error) => this.#options.warn(`Listening: ${error.message}`))
        resolve()
      })
    })
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      // It tells when all connections are gone, which may be long after the port is free.
      this.#server.close()
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

  /** Somebody who holds the secret; what he wants is not known. */
  async #greet(socket: TLSSocket): Promise<void> {
    const key = addressOf(socket)
    socket.on('error', () => {})
    if (this.#options.credentials.kind === 'certificates' && !socket.authorized) {
      this.#refuseCertificate(socket)
      return
    }
    let opening: Opening
    let rest: Uint8Array
    try {
      const read = await readOpening(socket)
      rest = read.rest
      checkVersions(this.#options.hello(), (read.value as Partial<Opening> | null)?.hello, key)
      opening = checkOpening(read.value)
    } catch (error) {
      this.#refuse(socket, error as Error)
      return
    }
    this.#acquaint(key)
    const refusal = this.#admit(opening)
    if (refusal === undefined) this.#let(socket, opening, rest)
    else this.#answerRefusal(socket, refusal)
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

  #let(socket: TLSSocket, { hello, link: id, attempt, received }: Opening, rest: Uint8Array): void {
    const known = this.#links.get(id)
    // An attempt that was given up by its dialer and comes late.
    if (known !== undefined && attempt <= known.attempt) {
      socket.destroy()
      return
    }
    const link = known?.link ?? this.#makeLink(id, hello, socket)
    this.#links.set(id, { link, attempt })
    writeOpening(socket, { hello: this.#options.hello(), received: link.received })
    if (known === undefined) this.#introduce(hello, link)
    link.attach(socket, received, rest)
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

  #refuse(socket: TLSSocket, error: Error): void {
    this.#warn(error, socket)
    if (isGoawayError(error)) this.#answerRefusal(socket, error)
    else socket.destroy()
  }

  /** A stranger to the end: nothing of his is read, and nothing told but this. */
  #refuseCertificate(socket: TLSSocket): void {
    const reason = String(socket.authorizationError ?? 'it has none')
    this.#warn(Object.assign(new Error(reason), { code: 'CERT_REFUSED' }), socket)
    const remedy = "use one that the cluster's authority signed"
    const message = `The certificate is not accepted there: ${reason}; ${remedy}`
    this.#answer(socket, { received: 0, refused: { code: 'ERR_GOAWAY_SECRET', message } })
  }

  /** He still counts as a stranger until his connection is gone, and cannot stay. */
  #answerRefusal(socket: TLSSocket, { code, message }: { code: string; message: string }): void {
    const hello = this.#options.hello()
    this.#answer(socket, { hello, received: 0, refused: { code, message } })
  }

  #answer(socket: TLSSocket, answer: OpeningAnswer): void {
    writeOpening(socket, answer)
    socket.end()
    socket.resume()
    const timer = setTimeout(() => socket.destroy(), openingMsMax)
    socket.on('close', () => clearTimeout(timer))
  }

  #warn(error: Error, socket: Socket): void {
    const { kind, text } = strangerWarning(error, addressOf(socket))
    const now = performance.now()
    if (now - (this.#warned.get(kind) ?? Number.NEGATIVE_INFINITY) < strangerWarningMs) return
    // Kinds are codes of TLS and of the system: some dozens.
    this.#warned.set(kind, now)
    this.#options.warn(text)
  }
}

function addressOf(socket: Socket): string {
  return placeOf('', socket.remoteAddress ?? '?', socket.remotePort ?? 0)
}
