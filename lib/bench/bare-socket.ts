/**
 * The bare limit of a link: another process with a TLS socket that sends back what it gets, or only
 * counts it. No library of ours.
 */
import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'

const psk = createHash('sha256').update('a secret of the bench').digest()
const tls = { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' } as const
export const serverTls = { ...tls, noDelay: true, pskCallback: () => psk }
export const clientTls = {
  ...tls,
  noDelay: true,
  pskCallback: () => ({ psk, identity: 'bench' }),
  checkServerIdentity: () => undefined,
}

/** A connection whose first byte is `e` is echoed; any other is counted, and its sum sent back. */
export function serveBare(socket: TLSSocket): void {
  let echoes: boolean | undefined
  let expected = 0
  let got = 0
  socket.setNoDelay(true)
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    if (echoes === undefined) {
      echoes = chunk[0] === 0x65
      expected = chunk.readUInt32LE(1)
      if (chunk.length > 5) socket.emit('data', chunk.subarray(5))
      return
    }
    if (echoes) return void socket.write(chunk)
    got += chunk.length
    if (got < expected) return
    got -= expected
    socket.write('.')
  })
}

if (process.send !== undefined && process.argv[2] === 'bare-socket') {
  const server = createServer(serverTls, serveBare)
  server.listen(0, '127.0.0.1', () => {
    process.send?.((server.address() as AddressInfo).port)
  })
  process.on('disconnect', () => process.exit(0))
}

export interface BareSocket {
  /** Milliseconds of so many round trips, one after the other, of so many bytes each way. */
  roundTrips(count: number, bytes: number): Promise<number>
  end(): void
}

/** A process that echoes, and a connection to it. */
export async function bareSocket(): Promise<BareSocket> {
  const child = fork(fileURLToPath(import.meta.url), ['bare-socket'])
  const [port] = (await once(child, 'message')) as [number]
  const echo = await openBare(port, 'e', 0)
  return {
    roundTrips: (count, bytes) => roundTrips(echo, count, bytes),
    end() {
      echo.destroy()
      child.disconnect()
    },
  }
}

/** A connection of the kind that the first byte says, see {@link serveBare}. */
export async function openBare(
  port: number,
  kind: 'e' | 'c',
  expected: number,
): Promise<TLSSocket> {
  const socket = connect({ ...clientTls, host: '127.0.0.1', port })
  await once(socket, 'secureConnect')
  socket.setNoDelay(true)
  const head = Buffer.alloc(5)
  head.write(kind)
  head.writeUInt32LE(expected, 1)
  socket.write(head)
  return socket
}

/** Milliseconds of so many round trips, one after the other. */
export function roundTrips(socket: TLSSocket, count: number, bytes: number): Promise<number> {
  const message = Buffer.alloc(bytes, 1)
  return new Promise((resolve) => {
    const start = performance.now()
    let left = count
    let got = 0
    const take = (chunk: Buffer): void => {
      got += chunk.length
      if (got < bytes) return
      got -= bytes
      if (--left > 0) return void socket.write(message)
      socket.off('data', take)
      resolve(performance.now() - start)
    }
    socket.on('data', take)
    socket.write(message)
  })
}
