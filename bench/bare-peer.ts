/**
 * The bare limit of a link: another process with a TLS socket that sends back what it gets, or only
 * counts it; and one with net-ipc, which answers batches with batches. No library of ours.
 */
import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { Client, Server } from 'net-ipc'

const psk = createHash('sha256').update('a secret of the bench').digest()
const tls = { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' } as const
const serverTls = { ...tls, noDelay: true, pskCallback: () => psk }
const clientTls = {
  ...tls,
  noDelay: true,
  pskCallback: () => ({ psk, identity: 'bench' }),
  checkServerIdentity: () => undefined,
}

/** A connection whose first byte is `e` is echoed; any other is counted, and its sum sent back. */
function serve(socket: TLSSocket): void {
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

if (process.send !== undefined && process.argv[2] === 'bare-peer') {
  const server = createServer(serverTls, serve)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // It takes a port by number alone: whichever is free now.
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port: batchPort } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  const batches = new Server({ port: batchPort, tls: true, options: serverTls })
  batches.on('message', (batch: unknown, connection: { send(data: unknown): Promise<void> }) => {
    void connection.send(batch)
  })
  await batches.start()
  process.send({ port: (server.address() as AddressInfo).port, batchPort })
  process.on('disconnect', () => process.exit(0))
}

export interface BarePeer {
  /** Milliseconds of so many round trips, one after the other, of so many bytes each way. */
  roundTrips(count: number, bytes: number): Promise<number>
  /** Milliseconds until the other process has all of the bytes. */
  transfer(bytes: number): Promise<number>
  /** Milliseconds until so many messages have come back, sent in batches. */
  batches(count: number, batch: number, message: unknown): Promise<number>
  end(): void
}

export async function barePeer(): Promise<BarePeer> {
  const child = fork(fileURLToPath(import.meta.url), ['bare-peer'])
  const [ports] = (await once(child, 'message')) as [{ port: number; batchPort: number }]
  const open = async (kind: string, expected: number): Promise<TLSSocket> => {
    const socket = connect({ ...clientTls, host: '127.0.0.1', port: ports.port })
    await once(socket, 'secureConnect')
    socket.setNoDelay(true)
    const head = Buffer.alloc(5)
    head.write(kind)
    head.writeUInt32LE(expected, 1)
    socket.write(head)
    return socket
  }
  const client = new Client({
    host: '127.0.0.1',
    port: ports.batchPort,
    tls: true,
    messagepack: true,
    reconnect: false,
    options: { ...clientTls, servername: '' },
  } as ConstructorParameters<typeof Client>[0])
  await client.connect()
  const echo = await open('e', 0)
  return {
    roundTrips: (count, bytes) => roundTrips(echo, count, bytes),
    transfer: async (bytes) => {
      const socket = await open('c', bytes)
      const data = Buffer.alloc(bytes, 7)
      const start = performance.now()
      socket.write(data)
      await once(socket, 'data')
      const took = performance.now() - start
      socket.destroy()
      return took
    },
    batches: (count, batch, message) => batches(client, count, batch, message),
    end() {
      echo.destroy()
      void client.close()
      child.disconnect()
    },
  }
}

function roundTrips(socket: TLSSocket, count: number, bytes: number): Promise<number> {
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

function batches(client: Client, count: number, size: number, message: unknown): Promise<number> {
  const batch = Array.from({ length: size }, () => message)
  return new Promise((resolve) => {
    const start = performance.now()
    let left = count / size
    const take = (): void => {
      if (--left > 0) return void client.send(batch)
      client.off('message', take)
      resolve(performance.now() - start)
    }
    client.on('message', take)
    void client.send(batch)
  })
}
