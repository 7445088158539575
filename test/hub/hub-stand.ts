/**
 * Hubs in the test's own thread, with pools of real threads, linked as the test likes. Their
 * clients are in this thread too, so that these must not block; routines may.
 */
import { MessageChannel } from 'node:worker_threads'
import { Channel } from '../../lib/client/channel.ts'
import type { Node } from '../../lib/client/current.ts'
import { recordOf } from '../../lib/client/error-codec.ts'
import { HubClient } from '../../lib/client/hub-client.ts'
import { locate } from '../../lib/client/locate.ts'
import { packPayload } from '../../lib/client/payload.ts'
import { PortExecutor } from '../../lib/client/port-executor.ts'
import { RoutineTable } from '../../lib/client/routine-table.ts'
import { GoawayError } from '../../lib/errors.ts'
import { Pool } from '../../lib/executor/pool.ts'
import { ThreadExecutor } from '../../lib/executor/thread-executor.ts'
import { defaultTerms } from '../../lib/handles/routine-options.ts'
import { Hub } from '../../lib/hub/hub.ts'
import { clientsPerNode, routinesPerClient, threadsCeiling, windowMax } from '../../lib/limits.ts'
import type { LinkEnd } from '../../lib/transport/contract.ts'
import type { PortFrame } from '../../lib/wire/frame.ts'
import type { Answer, Member, Operation } from '../../lib/wire/messages.ts'
import { createHubWords, ThreadWords } from '../../lib/wire/shared-words.ts'

const keeper = { retain() {}, release() {} }

type Start<F extends (...args: never[]) => unknown> = Promise<Awaited<ReturnType<F>>> & {
  cancel(graceMs: number): void
}

/** The program's own thread, as a client of one hub. */
export class StandClient {
  readonly node: Node
  readonly client: HubClient

  constructor(hub: Hub, hubWords: Int32Array) {
    const { port1, port2 } = new MessageChannel()
    const words = new ThreadWords()
    const id = hub.attachProgram(port2, words)
    hub.begin([])
    this.client = new HubClient(id, new Channel(port1, words, hubWords), keeper)
    const routines = new RoutineTable(keeper, id * routinesPerClient)
    routines.executor = new PortExecutor(this.client, routines)
    this.node = {
      name: hub.node,
      client: this.client,
      routines,
      thread: 0,
      threads: 1,
      clustered: false,
    }
    port1.on('message', (frame: PortFrame) => this.client.receive(frame))
  }

  ask(...operation: Operation): Promise<Answer> {
    return this.client.askAsync(0, operation)
  }

  run<F extends (...args: never[]) => unknown>(fn: F, ...args: Parameters<F>): Start<F> {
    const { routines } = this.node
    let routine = 0
    const result = new Promise<unknown>((resolve, reject) => {
      const ignore = (): void => {}
      routine = routines.add({
        started: ignore,
        value: ignore,
        resolved: resolve,
        rejected: reject,
      })
      const payload = packPayload(args, 'argument')
      const task = { routine, owner: 0, address: locate(fn), payload, terms: defaultTerms }
      routines.executor?.submit(task)
    })
    const cancel = (graceMs: number): void => {
      const reason = recordOf(new GoawayError('ERR_GOAWAY_CANCELLED', 'cancelled by the test'))
      routines.executor?.cancel(routine, reason, graceMs)
    }
    return Object.assign(result, { cancel }) as Start<F>
  }
}

export class StandHub {
  readonly hub: Hub
  readonly program: StandClient
  readonly #hubWords = createHubWords()

  readonly member: Member

  /** @param place of the node in its cluster; the one of place 1 serves the objects */
  constructor(place: number) {
    const node = `node-${place}`
    this.member = {
      place,
      index: place,
      name: node,
      host: '',
      port: 0,
      labels: [],
      threads: 2,
      incarnation: '',
    }
    const pool = new Pool({
      threadsCeiling,
      env: {},
      execArgv: [],
      argv: [],
      resourceLimits: undefined,
    })
    const hubWords = this.#hubWords
    const options = { node, threads: 2, threadsMax: 4, pool, hubWords, threadsCeiling }
    this.hub = new Hub({
      node,
      words: hubWords,
      firstClient: place * clientsPerNode,
      // No session of locks ends because this thread stood still.
      cluster: { place, index: place, nodes: 2, placement: 'first', sessionMs: 120_000 },
      executor: (host, report) =>
        new ThreadExecutor({ ...options, window: windowMax }, host, report),
    })
    this.program = this.client()
    this.hub.turn()
  }

  /** Links it to another one. */
  link(other: StandHub, end: LinkEnd): void {
    this.hub.peers.link(other.member, end)
  }

  /** Another client in this thread. */
  client(): StandClient {
    return new StandClient(this.hub, this.#hubWords)
  }

  async close(): Promise<void> {
    await this.hub.close(1000)
    this.program.client.channel.port.close()
  }
}
