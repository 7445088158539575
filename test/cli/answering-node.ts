/** A node that answers the command line as a node process does, in the process of the test. */

import { libraryVersion } from '../../lib/deploy/library-version.ts'
import type { NodeStatus } from '../../lib/deploy/node-status.ts'
import { linkProtocol } from '../../lib/limits.ts'
import type { Hello } from '../../lib/transport/contract.ts'
import { listen } from '../../lib/transport/tcp.ts'
import type { LinkMessage } from '../../lib/wire/messages.ts'

export const secret = 'a secret of tests, which is long enough'

export const busy: NodeStatus = {
  name: 'one',
  state: 'busy',
  title: 'sums.ts by me\u001b[2J at home, on the largest machine that there is',
  since: Date.now() - 3_725_000,
  labels: ['big'],
  threads: 8,
  running: 7,
  waiting: 12_345,
  done: 99,
  objects: 3,
  locks: 2,
  refs: 0,
  refBytes: 0,
  messagesSent: 1_000,
  bytesSent: 100_000,
  memoryBytes: 1.5 * 2 ** 30,
  version: libraryVersion,
  runtime: process.version,
  pid: 4711,
  incarnation: 'a',
}

export interface AnsweringNode {
  readonly port: number
  readonly asked: readonly Hello[]
  close(): Promise<void>
}

export async function answeringNode(
  answer: (hello: Hello) => LinkMessage | undefined,
): Promise<AnsweringNode> {
  const asked: Hello[] = []
  const hello: Hello = {
    protocol: linkProtocol,
    version: libraryVersion,
    runtime: process.version,
    purpose: 'peer',
    application: '',
    name: 'one',
    place: -1,
    incarnation: 'a',
  }
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    credentials: { kind: 'secret', secret: new Uint8Array(Buffer.from(secret)) },
    hello: () => hello,
    graceMs: () => 100,
    admit: () => undefined,
    linked: (peer, end) => {
      asked.push(peer)
      const link = end.open({ received() {}, closed() {} })
      const message = answer(peer)
      if (message !== undefined) link.send(message)
      link.flush()
      link.close()
      if (peer.purpose === 'stop') void listener.close()
    },
    warn: () => {},
  })
  return { port: listener.port, asked, close: () => listener.close() }
}
