/**
 * `launch: ssh`: a node on another machine, under a supervisor there, by way of the system's ssh.
 * The secret goes in by standard input, and what ends that input (the spawner ends or dies, the
 * connection breaks) ends the node; unless it is to stay there, as after `goaway up`.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { writeSync } from 'node:fs'
import type { Socket } from 'node:net'
import process from 'node:process'
import type { Readable, Writable } from 'node:stream'
import { GoawayError } from '../errors.ts'
import { launchTailMax, nodeStopMs } from '../limits.ts'
import type { Credentials } from '../transport/credentials.ts'
import type { NodeConfig } from './cluster-config.ts'
import { writeCredentials } from './credentials-line.ts'
import type { LaunchedNode } from './launch-local.ts'
import { nodeEnvironment } from './node-child.ts'
import { sshCommand, sshRemedy } from './ssh-command.ts'

export interface LaunchSshOptions {
  readonly credentials: Credentials
  readonly startTimeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** The node stays when this process and its connection are gone. */
  readonly detach?: boolean | undefined
  /** Takes what the other side writes to its standard error once the node is up. */
  readonly warn?: ((text: string) => void) | undefined
}

type Ssh = ChildProcessByStdio<Writable, Readable, Readable>

/** What ssh ended with; `text` is the end of what it wrote. */
interface SshEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly text: string
  readonly error?: Error
}

/** Time for the way there and back when a node over there is asked to end. */
const wayMs = 2_000

/** @throws {GoawayError} ERR_GOAWAY_LAUNCH with the last lines of ssh, and what to look at */
export async function launchSsh(
  node: NodeConfig,
  options: LaunchSshOptions,
): Promise<LaunchedNode> {
  const { program, options: words } = sshCommand(node, options.detach === true)
  // A group of its own: Ctrl-C in the terminal is for the spawner.
  const ssh: Ssh = spawn(program, [...words], {
    detached: true,
    env: nodeEnvironment(),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const tail = new Tail()
  const ended = endOf(ssh, tail)
  ssh.stdin.on('error', () => {})
  ssh.stdin.write(`${writeCredentials(options.credentials)}\n`)
  const port = await awaitListening(node, { ssh, tail, ended }, options)
  const warn = options.warn ?? ((text) => writeSync(2, text))
  tail.forward = (text) => warn(text.replaceAll(/^(?=.)/gm, `[${node.name}] `))
  // Whoever leaves a node there waits for the end of ssh.
  if (options.detach !== true) unref(ssh)
  return {
    port,
    incarnation: undefined,
    pid: ssh.pid ?? -1,
    isChild: false,
    exited: ended.then((end) => `its connection over ${describe(end)}`),
    stop: () => stop(ssh, ended),
  }
}

/** A node does not keep the program alive by itself. */
function unref(ssh: Ssh): void {
  ssh.unref()
  for (const stream of [ssh.stdin, ssh.stdout, ssh.stderr]) (stream as unknown as Socket).unref()
}

/** The end of a text of any length; later it goes on to somebody who reads it. */
class Tail {
  text = ''
  forward: ((text: string) => void) | undefined

  add(text: string): void {
    if (this.forward !== undefined) this.forward(text)
    this.text = `${this.text}${text}`.slice(-launchTailMax)
  }
}

function endOf(ssh: Ssh, tail: Tail): Promise<SshEnd> {
  ssh.stderr.setEncoding('utf8').on('data', (text: string) => tail.add(text))
  return new Promise((resolve) => {
    ssh.once('error', (error) => {
      if (ssh.pid === undefined) resolve({ code: null, signal: null, text: '', error })
    })
    ssh.once('close', (code, signal) => resolve({ code, signal, text: tail.text.trim() }))
  })
}

/** The port, from the first line that is goaway's: a shell's profile may write lines of its own. */
async function awaitListening(
  node: NodeConfig,
  { ssh, ended }: { ssh: Ssh; tail: Tail; ended: Promise<SshEnd> },
  { startTimeoutMs, signal }: LaunchSshOptions,
): Promise<number> {
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    kill(ssh)
  }, startTimeoutMs)
  const give = (): void => kill(ssh)
  signal?.addEventListener('abort', give)
  if (signal?.aborted) give()
  try {
    const first = await Promise.race([portLine(ssh), ended])
    if (typeof first === 'number') return first
    throw refused(node, first, timedOut ? startTimeoutMs : undefined)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', give)
  }
}

function portLine(ssh: Ssh): Promise<number> {
  return new Promise((resolve) => {
    let text = ''
    ssh.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = `${text}${chunk}`.split('\n')
      text = (lines.pop() ?? '').slice(-launchTailMax)
      for (const line of lines) {
        const port = portOf(line)
        if (port !== undefined) resolve(port)
      }
    })
  })
}

function portOf(line: string): number | undefined {
  if (!line.startsWith('{"type":"listening"')) return undefined
  try {
    return (JSON.parse(line) as { port: number }).port
  } catch {
    return undefined
  }
}

function refused(node: NodeConfig, end: SshEnd, timedOutMs: number | undefined): GoawayError {
  const { program } = sshCommand(node, false)
  const start = `Cannot start node ${node.name} on ${node.host}`
  if (end.error !== undefined) {
    return new GoawayError(
      'ERR_GOAWAY_LAUNCH',
      `${start}: cannot run ${program}: ${end.error.message}; install OpenSSH's client, or name ` +
        'one in GOAWAY_SSH',
      { cause: end.error },
    )
  }
  const how = timedOutMs === undefined ? describe(end) : `it did not listen within ${timedOutMs} ms`
  const text = end.text === '' ? '' : `:\n${end.text}`
  const remedy = sshRemedy(node, end)
  return new GoawayError('ERR_GOAWAY_LAUNCH', `${start}: ${remedy} (${how}${text})`)
}

function describe({ code, signal, error }: SshEnd): string {
  if (error !== undefined) return `ssh could not be started: ${error.message}`
  return signal === null ? `ssh ended with exit code ${code}` : `ssh was killed by ${signal}`
}

/** The end of its input is what a supervisor over there waits for. */
async function stop(ssh: Ssh, ended: Promise<SshEnd>): Promise<void> {
  ssh.ref()
  ssh.stdin.end()
  const timer = setTimeout(() => kill(ssh), nodeStopMs + wayMs)
  await ended
  clearTimeout(timer)
}

function kill(ssh: Ssh): void {
  if (ssh.pid === undefined || ssh.exitCode !== null || ssh.signalCode !== null) return
  try {
    process.kill(-ssh.pid, 'SIGKILL')
  } catch {
    ssh.kill('SIGKILL')
  }
}
