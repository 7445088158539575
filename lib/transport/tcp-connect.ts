/** One attempt to open a connection: TCP, TLS, what is said before there is a link. */
import { isIP } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Hello } from './contract.ts'
import { type Credentials, dialOptions } from './credentials.ts'
import { placeOf } from './tcp-errors.ts'
import {
  checkAnswer,
  type Opening,
  readOpening,
  type Welcome,
  writeOpening,
} from './tcp-opening.ts'

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
  readonly socket: TLSSocket
  readonly answer: Welcome
  /** What came behind the answer. */
  readonly rest: Uint8Array
}

function tlsSocket({ host, port, name, credentials }: Target): TLSSocket {
  const socket = connectTls({
    ...dialOptions(credentials, host, name),
    host,
    port,
    // An address is no server name: TLS warns of it.
    ...(isIP(host) === 0 ? { servername: host } : {}),
  })
  return socket.setNoDelay(true)
}

/** A connection to who holds the secret. Settles within the time, or when the signal aborts. */
export async function secure(
  target: Target,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<TLSSocket> {
  signal.throwIfAborted()
  const socket = tlsSocket(target)
  await guard(socket, signal, () => secured(socket, timeoutMs))
  // Whoever has it next hears of its end as such.
  socket.on('error', () => {})
  return socket
}

/** What is said before there is a link. Settles within the time, or when the signal aborts. */
export async function greet(
  socket: TLSSocket,
  target: Target,
  opening: Opening,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Connected> {
  return await guard(socket, signal, async () => {
    writeOpening(socket, opening)
    const { value, rest } = await readOpening(socket, timeoutMs)
    const place = placeOf(target.name, target.host, target.port)
    return { socket, answer: checkAnswer(value, target.hello, place), rest }
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
  const socket = await secure(target, timeoutMs, signal)
  return await greet(socket, target, opening, Math.max(1, until - performance.now()), signal)
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
    // Nobody asks for the errors that it may still have.
    socket.on('error', () => {})
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function secured(socket: TLSSocket, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (error?: Error): void => {
      clearTimeout(timer)
      socket.off('secureConnect', finish)
      socket.off('error', finish)
      socket.off('close', onClose)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onClose = (): void => finish(coded('it closed the connection', 'ECONNRESET'))
    const timer = setTimeout(() => finish(coded('it does not answer', 'ETIMEDOUT')), timeoutMs)
    socket.on('secureConnect', finish)
    socket.on('error', finish)
    socket.on('close', onClose)
  })
}

function coded(message: string, code: string): Error {
  return Object.assign(new Error(message), { code })
}
