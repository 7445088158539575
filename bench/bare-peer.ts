/**
 * The bare limit of a link: another process with a TLS socket that sends back what it gets, or only
 * counts it; and one with net-ipc, which answers batches with batches. No library of ours.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { Client, Server } from 'net-ipc'
import { clientTls, openBare, roundTrips, serveBare, serverTls } from '../lib/bench/bare-socket.ts'

if (process.send !== undefined && process.argv[2] === 'bare-peer') {
  const server = createServer(serverTls, serveBare)
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
  const client = new Client({
    host: '127.0.0.1',
    port: ports.batchPort,
    tls: true,
    messagepack: true,
    reconnect: false,
    options: { ...clientTls, servername: '' },
  } as ConstructorParameters<typeof Client>[0])
  await client.connect()
  const echo = await openBare(ports.port, 'e', 0)
  return {
    roundTrips: (count, bytes) => roundTrips(echo, count, bytes),
    transfer: async (bytes) => {
      const socket = await openBare(ports.port, 'c', bytes)
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
