/** A Redis of the bench's own, at a port of its own, which ends with the bench. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import process from 'node:process'

export interface RedisServer {
  readonly port: number
  end(): Promise<void>
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

async function isReady(server: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.once('exit', () => resolve(false))
    server.stdout?.on('data', (text: Buffer) => {
      if (text.includes('Ready to accept connections')) resolve(true)
    })
  })
}

/** Undefined if there is none on this system. It keeps all in memory and writes no file. */
export async function startRedis(): Promise<RedisServer | undefined> {
  const port = await freePort()
  const options = ['--bind', '127.0.0.1', '--port', String(port), '--save', '']
  const server = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'ignore'] })
  // A bench that fails, or is ended, leaves nothing behind.
  const kill = (): void => void server.kill()
  process.once('exit', kill)
  if (!(await isReady(server))) return undefined
  return {
    port,
    async end() {
      process.off('exit', kill)
      const ended = once(server, 'exit')
      server.kill()
      await ended
    },
  }
}
