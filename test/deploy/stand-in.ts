/** What tests of supervisors and launchers need of the process that stands in for a node. */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { NodeStart } from '../../lib/deploy/node-start.ts'
import { timerMsMax } from '../../lib/limits.ts'

export const standIn = fileURLToPath(new URL('stand-in-node.js', import.meta.url))

export const secret = new Uint8Array(32).fill(7)

export function startOf(storeDirectory: string, more: Partial<NodeStart> = {}): NodeStart {
  return {
    listen: { host: '127.0.0.1', port: 0 },
    credentials: { kind: 'secret', secret },
    labels: [],
    storeDirectory,
    ...more,
  }
}

export interface Visit {
  readonly seen: Record<string, unknown>
  order(line: string): Promise<void>
}

/** What the stand-in tells of itself, and a way to give it orders. */
export async function visit(port: number, host = '127.0.0.1'): Promise<Visit> {
  const socket: Socket = connect(port, host)
  let text = ''
  socket.setEncoding('utf8')
  while (!text.includes('\n')) text += (await once(socket, 'data'))[0] as string
  return {
    seen: JSON.parse(text) as Record<string, unknown>,
    // Resolves when the stand-in has ended the connection, or we have.
    order: async (line) => {
      socket.on('error', () => {})
      socket.write(`${line}\n`)
      if (line.startsWith('claim')) return
      await once(socket, 'close')
    },
  }
}

export async function occupy(
  wanted = 0,
): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer().listen(wanted, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as { port: number }).port, server }
}

/** The first port that the system gives to whoever asks for any. */
function firstGivenPort(): number {
  const file = '/proc/sys/net/ipv4/ip_local_port_range'
  const first = existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : 0
  return first > 2 * leastPort ? first : 32_768
}

const leastPort = 10_000

/**
 * A port that is free and stays so until somebody takes it by its number: one that the system has
 * just given and taken back may be given to another test at once.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    try {
      const { port, server } = await occupy(randomInt(leastPort, firstGivenPort()))
      server.close()
      await once(server, 'close')
      return port
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    }
  }
}

/** An address of this machine where nobody else is: a port there stays free between two lives. */
export function ownHost(): string {
  return `127.${randomInt(64, 128)}.${randomInt(256)}.${randomInt(1, 255)}`
}

/** A process that has ended and that nobody has asked for its exit code (state Z) is not alive. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    const stat = `/proc/${pid}/stat`
    return !existsSync(stat) || !/\) [ZX] /.test(readFileSync(stat, 'utf8'))
  } catch {
    return false
  }
}

/** Waits until the process is gone; it is not our child, so there is no event. */
export async function gone(pid: number, patienceMs = 15_000): Promise<boolean> {
  const until = performance.now() + patienceMs
  while (isAlive(pid)) {
    if (performance.now() > until) return false
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return true
}

/** Waits until no process is left that has this folder as its home. */
export async function allGone(home: string, patienceMs = 20_000): Promise<boolean> {
  const isAt = (name: string): boolean => {
    try {
      return readFileSync(`/proc/${name}/environ`, 'latin1').includes(`GOAWAY_HOME=${home}\0`)
    } catch {
      return false
    }
  }
  const until = performance.now() + patienceMs
  while (readdirSync('/proc').some((name) => /^\d+$/.test(name) && isAt(name))) {
    if (performance.now() > until) return false
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return true
}

/**
 * From now on time stands still for who sets a timer, until the test is over.
 *
 * @returns what lets the time come of those that were set for so many milliseconds
 */
export function holdTimers(t: Test): (ms: number) => number {
  const real = globalThis.setTimeout
  const held: { readonly ms: number | undefined; act(): void }[] = []
  globalThis.setTimeout = ((act: () => void, ms?: number) => {
    held.push({ ms, act })
    return real(act, timerMsMax).unref()
  }) as typeof setTimeout
  t.teardown(() => {
    globalThis.setTimeout = real
  })
  return (ms) => {
    const due = held.filter((one) => one.ms === ms)
    for (const { act } of due) act()
    return due.length
  }
}
