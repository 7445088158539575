/** Starts a node that stays when its starter goes: a supervisor in a session of its own. */
import { fork } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GoawayError } from '../errors.ts'
import { goawayHome } from './goaway-home.ts'
import { nodeEnvironment } from './node-child.ts'
import type { DetachedAnswer, DetachedStart } from './supervisor-process.ts'

export interface DetachedNode {
  readonly port: number
  /** Of the supervisor: SIGTERM to it ends the node. */
  readonly pid: number
  readonly logFile: string
}

const program = fileURLToPath(new URL('supervisor-process.js', import.meta.url))

export function logFileOf(name: string): string {
  return join(goawayHome(), 'log', `${name.replace(/[^\w.:@-]/g, '_')}.log`)
}

/** @throws {GoawayError} ERR_GOAWAY_LAUNCH when it does not listen */
export async function launchDetached(start: DetachedStart): Promise<DetachedNode> {
  const logFile = logFileOf(start.name)
  mkdirSync(join(goawayHome(), 'log'), { recursive: true, mode: 0o700 })
  const log = openSync(logFile, 'a', 0o600)
  const child = fork(program, [], {
    detached: true,
    env: nodeEnvironment(),
    stdio: ['ignore', log, log, 'ipc'],
    serialization: 'advanced',
  })
  closeSync(log)
  const answer = new Promise<DetachedAnswer>((resolve) => {
    child.once('message', (message) => resolve(message as DetachedAnswer))
    const failed = (message: string): void => resolve({ type: 'failed', message })
    child.once('error', (error) => failed(`Cannot start a supervisor: ${error.message}`))
    child.once('exit', () => failed('Cannot start a node: its supervisor ended at once'))
  })
  child.send(start, () => {})
  const answered = await answer
  child.unref()
  if (child.connected) child.disconnect()
  if (answered.type === 'listening') return { port: answered.port, pid: child.pid ?? -1, logFile }
  throw new GoawayError('ERR_GOAWAY_LAUNCH', `${answered.message}; its log: ${logFile}`)
}
