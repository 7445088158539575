/**
 * A node process from its first breath: it listens, takes on the first application that claims it,
 * serves that alone, and exits when it is over. Whoever has started it then starts a fresh one.
 */
import { randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { Handover } from '../cluster/handover.ts'
import { libraryVersion } from '../deploy/library-version.ts'
import type { NodeReport, NodeStart } from '../deploy/node-start.ts'
import type { NodeStatus } from '../deploy/node-status.ts'
import { GoawayError, type GoawayErrorCode, isGoawayError } from '../errors.ts'
import { Pool } from '../executor/pool.ts'
import type { StatusCounts } from '../hub/hub-options.ts'
import { claimMsMax, linkProtocol, threadsCeiling } from '../limits.ts'
import type { Hello, Link, LinkEnd } from '../transport/contract.ts'
import { listen } from '../transport/tcp.ts'
import type { Claim, LinkMessage } from '../wire/messages.ts'
import { NodeApplication } from './node-application.ts'
import type { NodeHubStart, NodeLeft } from './node-hub-start.ts'

/** Comes back when the node listens; it then serves until it exits. */
export async function serveNode(parts: NodeHubStart, pool: Pool): Promise<void> {
  const host = new NodeHost(parts, pool)
  parts.port.on('message', () => host.leave())
  try {
    await host.listen()
  } catch (error) {
    const code = isGoawayError(error) ? error.code : 'ERR_GOAWAY_NODE_UNREACHABLE'
    const message = error instanceof Error ? error.message : String(error)
    host.report({ type: 'failed', code, message })
    host.exit(1)
  }
}

interface Refusal {
  readonly code: GoawayErrorCode | 'ERR_GOAWAY_AGAIN'
  readonly message: string
}

/** The spawner that has this node. */
interface Owner {
  readonly hello: Hello
  /** In milliseconds since 1970. */
  readonly since: number
  title: string
  readonly link: Link
}

class NodeHost {
  readonly #parts: NodeHubStart
  readonly #start: NodeStart
  readonly #pool: Pool
  readonly #incarnation = randomUUID()
  /** The spawner that has this node, from the moment in which its link is there. */
  #owner: Owner | undefined
  #application: NodeApplication | undefined
  #leaving = false
  #graceMs = 2_000
  #port = 0

  constructor(parts: NodeHubStart, pool: Pool) {
    this.#parts = parts
    this.#start = parts.start
    this.#pool = pool
  }

  async listen(): Promise<void> {
    const { host, port } = this.#start.listen
    const listener = await listen({
      host,
      port,
      credentials: this.#start.credentials,
      hello: () => this.#hello(),
      graceMs: () => this.#graceMs,
      admit: (peer) => this.#admit(peer),
      linked: (peer, end) => this.#linked(peer, end),
      warn: (text) => process.emitWarning(text),
    })
    this.#port = listener.port
    this.report({ type: 'listening', port: listener.port, incarnation: this.#incarnation })
  }

  get #name(): string {
    const { name, listen } = this.#start
    return this.#application?.name ?? name ?? `${listen.host}:${this.#port || listen.port}`
  }

  #hello(): Hello {
    return {
      protocol: linkProtocol,
      version: libraryVersion,
      runtime: process.version,
      purpose: 'peer',
      application: this.#owner?.hello.application ?? '',
      name: this.#name,
      place: this.#application?.place ?? -1,
      incarnation: this.#incarnation,
    }
  }

  #admit(peer: Hello): Refusal | undefined {
    const owner = this.#owner
    if (this.#leaving || (peer.purpose === 'claim' && owner?.link.isConnected === false)) {
      // Its program may have ended just now. Who dials tries again, and finds either that program
      // once more or a fresh process.
      return { code: 'ERR_GOAWAY_AGAIN', message: `Node ${this.#name} is about to start anew` }
    }
    if (peer.purpose === 'claim') {
      if (owner === undefined) return undefined
      if (owner.hello.application === peer.application) return this.#duplicate()
      const since = new Date(owner.since).toISOString()
      return {
        code: 'ERR_GOAWAY_NODE_BUSY',
        message:
          `Node ${this.#name} serves another application: ${owner.title}, since ${since}; ` +
          'wait until that has ended, or take another node',
      }
    }
    if (peer.purpose !== 'peer') return undefined
    if (owner !== undefined && owner.hello.application === peer.application) {
      return this.#application?.knows(peer.place) === true ? this.#duplicate() : undefined
    }
    return {
      code: 'ERR_GOAWAY_PROTOCOL',
      message: `Node ${this.#name} does not serve the application of node ${peer.name}`,
    }
  }

  #duplicate(): Refusal {
    return {
      code: 'ERR_GOAWAY_NODE_DUPLICATE',
      message:
        `Node ${this.#name} is in the cluster already: two entries of the cluster file lead to ` +
        'it; leave one of them out',
    }
  }

  #linked(peer: Hello, end: LinkEnd): void {
    switch (peer.purpose) {
      case 'status':
        return this.#answer(end, ['status', this.#status()])
      case 'stop':
        this.#answer(end, ['bye'])
        this.report({ type: 'stop' })
        return this.leave()
      case 'peer':
        return this.#application?.linked(peer, end)
      case 'claim': {
        const handover: Handover = new Handover(end, (message) => this.#claimed(message, handover))
        this.#owner = { hello: peer, since: Date.now(), title: peer.name, link: handover.link }
        // Until it has said what it wants, a spawner that goes away leaves the node free.
        const silent = setTimeout(() => {
          if (this.#application === undefined) handover.link.close()
        }, claimMsMax)
        handover.onClosed(() => {
          clearTimeout(silent)
          if (this.#application === undefined) this.#owner = undefined
        })
      }
    }
  }

  #answer(end: LinkEnd, message: LinkMessage): void {
    const link = end.open({ received() {}, closed() {} })
    link.send(message)
    link.close()
  }

  #claimed(message: LinkMessage, handover: Handover): void {
    const owner = this.#owner
    if (message[0] !== 'claim' || owner === undefined) return handover.link.close()
    const claim: Claim = message[1]
    owner.title = claim.title
    this.#graceMs = claim.linkGraceMs
    try {
      this.#application = this.#take(claim, handover)
    } catch (error) {
      // What was half made cannot be undone, but by a fresh process.
      const reason = error instanceof Error ? error.message : error
      const text = `Cannot take on ${owner.title}: its claim makes no sense: ${reason}`
      return this.#over(new GoawayError('ERR_GOAWAY_PROTOCOL', text, { cause: error }))
    }
    this.report({ type: 'claimed', title: owner.title, since: owner.since })
  }

  #take(claim: Claim, handover: Handover): NodeApplication {
    return new NodeApplication({
      claim,
      spawner: handover,
      start: this.#start,
      hubWords: new Int32Array(this.#parts.hubWords),
      pool: this.#poolFor(claim),
      hello: () => this.#hello(),
      status: () => this.#status(),
      over: (why) => this.#over(why),
    })
  }

  /** Limits of threads are set when they are made, so one that was made before is of no use. */
  #poolFor({ resourceLimits }: Claim): Pool {
    if (resourceLimits === null) return this.#pool
    void this.#pool.destroy()
    return new Pool({ ...this.#parts, threadsCeiling, resourceLimits })
  }

  #over(why: GoawayError | undefined): void {
    if (why !== undefined) process.stderr.write(`goaway node ${this.#name}: ${why.message}\n`)
    this.leave()
  }

  /** Tells the others, if there are any, and exits. */
  leave(): void {
    this.#leaving = true
    this.#application?.leave()
    // What was just sent is on its way when the event loop has gone round.
    setTimeout(() => this.exit(), 20)
  }

  exit(code = 0): void {
    this.#parts.port.postMessage({ type: 'left', code } satisfies NodeLeft)
  }

  report(report: NodeReport): void {
    this.#parts.port.postMessage(report)
  }

  #status(): NodeStatus {
    const owner = this.#owner
    const application = this.#application
    return {
      name: this.#name,
      state: owner === undefined ? 'free' : 'busy',
      ...(owner === undefined ? {} : { title: owner.title, since: owner.since }),
      labels: application?.labels ?? this.#start.labels,
      threads: application?.threads ?? this.#start.threads ?? availableParallelism(),
      ...(application?.counts() ?? idle),
      memoryBytes: process.memoryUsage().rss,
      version: libraryVersion,
      runtime: process.version,
      pid: process.pid,
      incarnation: this.#incarnation,
    }
  }
}

const idle: StatusCounts = {
  ...{ running: 0, waiting: 0, done: 0, objects: 0, locks: 0 },
  ...{ messagesSent: 0, bytesSent: 0, refs: 0, refBytes: 0 },
}
