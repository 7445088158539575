/** One attempt to open a connection: TCP, TLS, what is said before there is a link. */
import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { Client } from 'net-ipc'
import type { Hello } from './contract.ts'
import { type Credentials, dialOptions } from './credentials.ts'
import { NetIpcConnection } from './net-ipc-connection.ts'
import { placeOf } from './tcp-errors.ts'
import { checkAnswer, decodeAnswer, type Opening, type Welcome } from './tcp-opening.ts'

/** Where to, and as whom. */
export interface Target {
  readonly host: string
  readonly port: number
  /** The node's name. */
  readonly name: string
  readonly credentials: Credentials
  readonly hello: Hello
}

export interface Connected {
  readonly connection: NetIpcConnection
  readonly answer: Welcome
}

/** A connection to who holds the secret, or has a certificate; nothing has been said on it. */
export interface Secured {
  readonly client: Client
  readonly socket: TLSSocket
  say(opening: Opening): void
}

function makeClient({ host, port, name, credentials }: Target): Client {
  const lookUpHost: LookupFunction = (_name, options, found) => lookup(host, options, found)
  const options = { ...dialOptions(credentials, host, name), lookup: lookUpHost }
  return new Client({
    // The name that TLS is told. An address is none, and TLS would warn of it.
    host: isIP(host) === 0 ? host : 'goaway',
    port,
    tls: true,
    messagepack: true,
    // Both are the link's business: nothing may be sent a second time, or later, by itself.
    reconnect: false,
    retries: 0,
    options,
  })
}

function begin(target: Target): Secured {
  const client = makeClient(target)
  const said: Partial<Opening> = {}
  // It never settles if it fails; whoever listens to the socket knows.
  void client.connect(said)
  const socket = client.connection as TLSSocket
  socket.setNoDelay(true)
  // net-ipc would speak when TCP is there, before it is known who is at the other end.
  const [speak] = socket.listeners('ready')
  socket.removeAllListeners('ready')
  return {
    client,
    socket,
    say(opening) {
      Object.assign(said, opening)
      speak?.()
    },
  }
}

/** A connection to who holds the secret. Settles within the time, or when the signal aborts. */
export async function secure(
  target: Target,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Secured> {
  signal.throwIfAborted()
  const secured = begin(target)
  const { socket } = secured
  // Whoever has it next hears of its end as such.
  socket.on('error', () => {})
  await guard(socket, signal, () =>
    settled(socket, timeoutMs, (done) => socket.once('secureConnect', done)),
  )
  return secured
}

/** What is said before there is a link. Settles within the time, or when the signal aborts. */
export async function greet(
  { client, socket, say }: Secured,
  target: Target,
  opening: Opening,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Connected> {
  return await guard(socket, signal, async () => {
    const connection = new NetIpcConnection(socket, 'dialer')
    const said = await settled(socket, timeoutMs, (done) => {
      listen(client, connection, done)
      say(opening)
    })
    const place = placeOf(target.name, target.host, target.port)
    // Before both are ready it is an object: a refusal of our certificate.
    const value = said instanceof Uint8Array ? decodeAnswer(said) : said
    return { connection, answer: checkAnswer(value, target.hello, place) }
  })
}

/** The first message is the answer; those behind it are the connection's. */
function listen(
  client: Client,
  connection: NetIpcConnection,
  answered: (answer: unknown) => void,
): void {
  client.once('ready', () => connection.ready(client))
  client.once('message', (answer: unknown) => {
    connection.expectRecords()
    client.on('message', (message: unknown) => connection.heard(message))
    answered(answer)
  })
}

/** Both, within the time. */
export async function connect(
  target: Target,
  opening: Opening,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Connected> {
  const until = performance.now() + timeoutMs
  const secured = await secure(target, timeoutMs, signal)
  return await greet(secured, target, opening, Math.max(1, until - performance.now()), signal)
}

/** If it fails, or when the signal aborts, the connection is of no use. */
async function guard<R>(socket: TLSSocket, signal: AbortSignal, act: () => Promise<R>): Promise<R> {
  const abort = (): void => {
    socket.destroy(signal.reason as Error)
  }
  signal.addEventListener('abort', abort)
  try {
    signal.throwIfAborted()
    const result = await act()
    signal.throwIfAborted()
    return result
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** What `act` is done with, unless the connection fails or ends, or the time is over, before. */
function settled(
  socket: TLSSocket,
  timeoutMs: number,
  act: (done: (value?: unknown) => void) => void,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      clearTimeout(timer)
      socket.off('error', onError)
      socket.off('close', onClose)
      settle()
    }
    const onError = (error: Error): void => finish(() => reject(error))
    const onClose = (): void => onError(coded('it closed the connection', 'ECONNRESET'))
    const late = (): void => onError(coded('it does not answer', 'ETIMEDOUT'))
    // What came while this thread stood still is taken before: then it has answered in time.
    const timer = setTimeout(() => setImmediate(late), timeoutMs)
    socket.on('error', onError)
    socket.on('close', onClose)
    // A connection may have ended while nobody looked.
    if (socket.destroyed) onClose()
    else act((value) => finish(() => resolve(value)))
  })
}

function coded(message: string, code: string): Error {
  return Object.assign(new Error(message), { code })
}
