/**
 * The sequential protocol of the paper of 2016 over links of the library (TCP, TLS), each server a
 * process of its own that does nothing else: no hub, no threads, no lease. So it is quicker here
 * than it would be as a store.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ReplicaInput, ReplicaOutput } from '../lib/protocol/replica.ts'
import type { Hello, Link, LinkEnd } from '../lib/transport/contract.ts'
import { type Credentials, dial, listen } from '../lib/transport/tcp.ts'
import type { LinkMessage, StrictOperation } from '../lib/wire/messages.ts'
import { type PaperMessage, paperLinFastRead } from '../test/protocol/paper-lin-fast-read.ts'

const credentials: Credentials = { kind: 'secret', secret: new Uint8Array(32).fill(7) }
const parameters = { founders: 0, placement: 'first' } as const

function hello(place: number): Hello {
  return {
    protocol: 1,
    version: 'bench',
    runtime: process.version,
    purpose: 'peer',
    application: 'bench',
    name: `server-${place}`,
    place,
    incarnation: `server-${place}`,
  }
}

type Input = ReplicaInput<StrictOperation, PaperMessage>
type Output = ReplicaOutput<PaperMessage>

/** One server's machine, with its links to others. */
class PaperServer {
  readonly #state: ReturnType<typeof paperLinFastRead.initial>
  readonly #links = new Map<number, Link>()
  readonly #answered: () => void

  constructor(place: number, servers: readonly number[], answered: () => void) {
    this.#answered = answered
    this.#state = paperLinFastRead.initial({ ...parameters, place })
    this.#step({ type: 'view', view: { epoch: 1, members: servers }, mayServe: true })
  }

  link(place: number, end: LinkEnd): void {
    const received = (messages: readonly LinkMessage[]): void => {
      for (const message of messages) {
        const inner = message[2] as unknown as PaperMessage
        this.#step({ type: 'message', from: place, message: inner, mayServe: true })
      }
    }
    this.#links.set(place, end.open({ received, closed() {} }))
  }

  write(value: number): void {
    const operation = ['set', 'bench', 'x', value, null] as const
    const asker = { client: 0, call: 1, owner: 0, thread: 0, blocking: true }
    this.#step({ type: 'request', ...asker, operation, mayServe: true })
  }

  #step(input: Input): void {
    const outputs: readonly Output[] = paperLinFastRead.step(this.#state, input)
    for (const output of outputs) {
      if (output.type === 'send') {
        const { message, to } = output
        const link = this.#links.get(to)
        link?.send(['store', 'lin-fast-read', message] as unknown as LinkMessage)
        link?.flush()
      } else if (output.type === 'answer') this.#answered()
    }
  }

  close(): void {
    for (const link of this.#links.values()) link.close()
  }
}

if (process.send !== undefined && process.argv[2] === 'paper-server') {
  const [place, servers] = [Number(process.argv[3]), Number(process.argv[4])]
  const server = new PaperServer(place, [...Array(servers).keys()], () => {})
  const { port } = await listen({
    host: '127.0.0.1',
    port: 0,
    credentials,
    hello: () => hello(place),
    graceMs: () => 2_000,
    admit: () => undefined,
    linked: (peer, end) => server.link(peer.place, end),
    warn: () => {},
  })
  process.send(port)
  process.on('disconnect', () => process.exit(0))
}

export interface PaperCluster {
  /** Milliseconds of so many writes, one after the other. */
  writes(count: number): Promise<number>
  end(): void
}

/** @param servers with this process, which writes */
export async function paperCluster(servers: number): Promise<PaperCluster> {
  let answered = (): void => {}
  const own = new PaperServer(0, [...Array(servers).keys()], () => answered())
  const children: ChildProcess[] = []
  for (let place = 1; place < servers; place++) {
    const file = fileURLToPath(import.meta.url)
    const child = fork(file, ['paper-server', String(place), String(servers)])
    children.push(child)
    const [port] = (await once(child, 'message')) as [number]
    const target = { host: '127.0.0.1', port, name: `server-${place}`, credentials }
    const times = { graceMs: 2_000, timeoutMs: 5_000 }
    const { end } = await dial({ ...target, ...times, hello: hello(0) })
    own.link(place, end)
  }
  return {
    async writes(count) {
      const start = performance.now()
      for (let at = 0; at < count; at++) {
        await new Promise<void>((resolve) => {
          answered = resolve
          own.write(at)
        })
      }
      return performance.now() - start
    },
    end() {
      own.close()
      for (const child of children) child.disconnect()
    },
  }
}
