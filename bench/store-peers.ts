/**
 * Redis and lmdb, which the bench of stores measures beside. They are no dependencies of the
 * library: `npm ci --prefix bench/peers` installs their clients, and `redis-server` comes with the
 * system. What is not there is left out.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

/** Of ioredis, what is used here: it may not be installed, and so its types may not. */
export interface RedisClient {
  get(key: string): Promise<string | null>
  set(key: string, value: string): Promise<unknown>
  disconnect(): void
  on(event: 'error', listener: () => void): void
}

/** Of lmdb, what is used here. */
export interface LmdbStore {
  get(key: string): unknown
  put(key: string, value: unknown): Promise<boolean>
  close(): Promise<void>
}

interface RedisModule {
  readonly Redis: new (options: object) => RedisClient
}

interface LmdbModule {
  open(options: object): LmdbStore
}

/** Where routines find them; undefined: not there. */
export interface PeerPlaces {
  readonly redisPort: number | undefined
  readonly lmdbPath: string | undefined
}

export interface StorePeers {
  readonly places: PeerPlaces
  end(): Promise<void>
}

/** A package of `bench/peers`. */
function load(name: string): unknown {
  return createRequire(new URL('../../bench/peers/package.json', import.meta.url))(name)
}

export function connectRedis(port: number): RedisClient {
  const { Redis } = load('ioredis') as RedisModule
  const client = new Redis({ host: '127.0.0.1', port })
  // It connects anew by itself: the server may have only just begun to listen.
  client.on('error', () => {})
  return client
}

export function openLmdb(path: string): LmdbStore {
  return (load('lmdb') as LmdbModule).open({ path })
}

function isInstalled(name: string): boolean {
  try {
    load(name)
    return true
  } catch {
    return false
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

/** A server of its own; undefined if there is none on this system. */
async function startRedis(port: number): Promise<ChildProcess | undefined> {
  const options = ['--bind', '127.0.0.1', '--port', String(port), '--save', '']
  const server = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'ignore'] })
  const isThere = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.once('exit', () => resolve(false))
    server.stdout.on('data', (text: Buffer) => {
      if (text.includes('Ready to accept connections')) resolve(true)
    })
  })
  if (!isThere) return undefined
  // A bench that fails leaves nothing behind.
  process.once('exit', () => server.kill())
  return server
}

/** Starts what there is, and says in one line what is left out. */
export async function startPeers(): Promise<StorePeers> {
  const port = await freePort()
  const server = isInstalled('ioredis') ? await startRedis(port) : undefined
  const folder = isInstalled('lmdb') ? mkdtempSync(join(tmpdir(), 'goaway-bench-')) : undefined
  const missing = [...(server === undefined ? ['Redis'] : []), ...(folder ? [] : ['lmdb'])]
  if (missing.length > 0) {
    const remedy = 'it needs redis-server, and npm ci --prefix bench/peers'
    console.error(`Left out: ${missing.join(' and ')}; ${remedy}`)
  }
  if (server !== undefined) {
    const client = connectRedis(port)
    await client.set('x', '1')
    client.disconnect()
  }
  return {
    places: { redisPort: server && port, lmdbPath: folder && join(folder, 'store') },
    async end() {
      if (server !== undefined) {
        const ended = once(server, 'exit')
        server.kill()
        await ended
      }
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}
