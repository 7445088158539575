/** What the command line asks of a node that runs: how it is, and to end. */
import { randomUUID } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import process from 'node:process'
import { GoawayError } from '../errors.ts'
import { linkProtocol } from '../limits.ts'
import type { Hello, Link, LinkEnd } from '../transport/contract.ts'
import { type Credentials, dial } from '../transport/tcp.ts'
import type { LinkMessage } from '../wire/messages.ts'
import type { NodeConfig } from './cluster-config.ts'
import { libraryVersion } from './library-version.ts'
import { addressText } from './listen-address.ts'
import type { NodeStatus } from './node-status.ts'

export interface AskOptions {
  readonly credentials: Credentials
  /** How long to try while nothing listens there: a node's port is free between applications. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** A question is short: when its connection breaks, it is asked anew. */
const graceMs = 100
/** A node that has let us in has so long at least. */
const answerMsMin = 1_000

/** @throws {GoawayError} as `dial` */
export async function askStatus(node: NodeConfig, options: AskOptions): Promise<NodeStatus> {
  const answer = await ask(node, 'status', options)
  if (answer?.[0] === 'status') return answer[1] as NodeStatus
  throw noAnswer(node)
}

/**
 * Resolves when the node has taken it; it ends a moment later.
 *
 * @throws {GoawayError} as `dial`
 */
export async function askToStop(node: NodeConfig, options: AskOptions): Promise<void> {
  if ((await ask(node, 'stop', options)) === undefined) throw noAnswer(node)
}

async function ask(
  node: NodeConfig,
  purpose: 'status' | 'stop',
  { credentials, timeoutMs, signal }: AskOptions,
): Promise<LinkMessage | undefined> {
  const { host, port, name } = node
  const hello = helloOf(purpose)
  const { end } = await dial({ host, port, name, credentials, hello, graceMs, timeoutMs, signal })
  return firstMessage(end, timeoutMs)
}

function helloOf(purpose: Hello['purpose']): Hello {
  return {
    protocol: linkProtocol,
    version: libraryVersion,
    runtime: process.version,
    purpose,
    application: '',
    name: `goaway ${purpose} of ${userName()}@${hostname()}`,
    place: -1,
    incarnation: randomUUID(),
  }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run as a user that has no name.
    return String(process.getuid?.() ?? 'somebody')
  }
}

/** Undefined when the link is over first, or nothing comes in time. */
async function firstMessage(end: LinkEnd, timeoutMs: number): Promise<LinkMessage | undefined> {
  let link: Link | undefined
  let timer: NodeJS.Timeout | undefined
  const message = await new Promise<LinkMessage | undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(timeoutMs, answerMsMin))
    link = end.open({
      received: ([first]) => resolve(first),
      closed: () => resolve(undefined),
    })
  })
  clearTimeout(timer)
  link?.close()
  return message
}

function noAnswer(node: NodeConfig): GoawayError {
  return new GoawayError(
    'ERR_GOAWAY_NODE_UNREACHABLE',
    `Node ${node.name} (${addressText(node)}) took the connection and gave no answer; it may be ` +
      'just about to end: try again',
  )
}
