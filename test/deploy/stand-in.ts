/** What tests of supervisors and launchers need of the process that stands in for a node. */
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { NodeStart } from '../../lib/deploy/node-start.ts'

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

/** What the stand-in tells of itself, and a way to give it orders. */
export async function visit(
  port: number,
): Promise<{ readonly seen: Record<string, unknown>; order(line: string): Promise<void> }> {
  const socket: Socket = connect(port, '127.0.0.1')
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

export async function occupy(): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as { port: number }).port, server }
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
