/**
 * Redis and lmdb, which the bench of stores measures beside. They are no dependencies of the
 * library: `npm ci --prefix bench/peers` installs their clients, and `redis-server` comes with the
 * system. What is not there is left out.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { howToHave, isInstalled, loadPeer } from './peer-packages.ts'
import { startRedis } from './redis-server.ts'

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
  readonly leftOut: readonly string[]
  end(): Promise<void>
}

export function connectRedis(port: number): RedisClient {
  const { Redis } = loadPeer('ioredis') as RedisModule
  const client = new Redis({ host: '127.0.0.1', port })
  // It connects anew by itself: the server may have only just begun to listen.
  client.on('error', () => {})
  return client
}

export function openLmdb(path: string): LmdbStore {
  return (loadPeer('lmdb') as LmdbModule).open({ path })
}

/** Starts what there is, and has a line for what is left out. */
export async function startPeers(): Promise<StorePeers> {
  const server = isInstalled('ioredis') ? await startRedis() : undefined
  const folder = isInstalled('lmdb') ? mkdtempSync(join(tmpdir(), 'goaway-bench-')) : undefined
  const missing = [...(server === undefined ? ['Redis'] : []), ...(folder ? [] : ['lmdb'])]
  const leftOut = missing.map((name) => {
    const needs = name === 'Redis' ? `redis-server of the system, and ${howToHave}` : howToHave
    return `${name} beside the stores: needs ${needs}`
  })
  if (server !== undefined) {
    const client = connectRedis(server.port)
    await client.set('x', '1')
    client.disconnect()
  }
  return {
    leftOut,
    places: { redisPort: server?.port, lmdbPath: folder && join(folder, 'store') },
    async end() {
      await server?.end()
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}
