/**
 * Makes a cluster of a program: starts its nodes, claims them, gives them its code, lets them meet,
 * and says who belongs to it from then on. It lives in the program's hub, because the program's own
 * thread may be blocked.
 */
import { randomUUID } from 'node:crypto'
import process from 'node:process'
import { recordOf } from '../client/error-codec.ts'
import type { ClusterConfig } from '../deploy/cluster-config.ts'
import { GoawayError } from '../errors.ts'
import type { Hub } from '../hub/hub.ts'
import type { Peer } from '../hub/peer.ts'
import type { PeersDriver } from '../hub/peers.ts'
import {
  farewellMs,
  historyFetchMs,
  linkProtocol,
  placesMax,
  returnMsMax,
  returnMsMin,
} from '../limits.ts'
import type { Standing } from '../protocol/membership-node.ts'
import type { Hello } from '../transport/contract.ts'
import type { Credentials } from '../transport/credentials.ts'
import type { Claim, Member, MembershipMessage, SetupMessage } from '../wire/messages.ts'
import type { CodeKeeper } from './code-keeper.ts'
import type { HistoryKeeper } from './history-keeper.ts'
import { Inquiries } from './inquiries.ts'
import { Oracle } from './oracle.ts'
import { Output } from './output.ts'
import { SpawnedNode } from './spawned-node.ts'

/** What the program's thread, and the file, say of the cluster. */
export interface SpawnerStart {
  readonly config: ClusterConfig
  readonly credentials: Credentials
  /** Of the library. */
  readonly version: string
  readonly argv: readonly string[]
  readonly resourceLimits: Claim['resourceLimits']
  /** What a person would call the program: name, user and host. */
  readonly title: string
  readonly threads: number
  readonly code: CodeKeeper
  /** If it is recorded. */
  readonly history: HistoryKeeper | undefined
}

export class Spawner implements PeersDriver {
  readonly #hub: Hub
  readonly #start: SpawnerStart
  readonly #application = randomUUID()
  readonly #nodes: SpawnedNode[]
  readonly #myself: Member
  readonly #oracle: Oracle
  readonly #output = new Output()
  readonly #inquiries = new Inquiries()
  readonly #returns = new Set<NodeJS.Timeout>()
  /** Modules whose code is on its way to the nodes. */
  readonly #adding = new Map<string, Promise<void>>()
  /** Settles when none is; never rejects. */
  #lastAdded: Promise<void> = Promise.resolve()
  #nextPlace = 1
  #closing = false

  constructor(hub: Hub, start: SpawnerStart) {
    this.#hub = hub
    this.#start = start
    const { config, threads } = start
    const hello = this.#hello()
    const parts = { ...start, hello, hub, spawnerThreads: threads }
    this.#nodes = config.nodes.map((node) => new SpawnedNode(node, parts))
    this.#myself = { ...spawner, threads, incarnation: this.#application }
    this.#oracle = new Oracle(config, {
      hub,
      myself: this.#myself,
      gone: (peer, error) => this.#gone(peer, error),
      removed: (place) => this.#removed(place),
      dropped: (place) => void this.#remove(place),
    })
    hub.peers.driver = this
    hub.stats = () => this.#stats()
    hub.closing = () => this.close()
    hub.prepareWith(({ module }) => this.#prepare(module))
  }

  #hello(): Hello {
    const { version, title } = this.#start
    return {
      protocol: linkProtocol,
      version,
      runtime: process.version,
      purpose: 'claim',
      application: this.#application,
      name: title,
      place: 0,
      incarnation: this.#application,
    }
  }

  async start(): Promise<void> {
    try {
      // In the order of the file, whoever answers first.
      const places = new Map(this.#nodes.map((node) => [node, this.#takePlace()]))
      await this.#all((node) => node.claim(() => places.get(node) as number))
      await this.#all((node) => node.install())
      await this.#start.code.spread()
      await this.#all((node) => node.meet(this.#linked()))
      // One may have gone while others were still meeting.
      for (const node of this.#nodes) node.linked()
    } catch (error) {
      await this.close()
      return this.#hub.fail(recordOf(error))
    }
    this.#take(this.#nodes)
    this.#hub.begin(this.#oracle.members())
  }

  /** For all nodes at once; what failed is told of when nothing is under way any more. */
  async #all(act: (node: SpawnedNode) => Promise<void>): Promise<void> {
    const outcomes = await Promise.allSettled(this.#nodes.map(act))
    const failed = outcomes.find((one) => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** Nodes that are ready belong to the cluster from now on. */
  #take(nodes: readonly SpawnedNode[]): void {
    const peers = nodes.flatMap(({ peer }) => (peer === undefined ? [] : [peer]))
    this.#oracle.take(peers)
    for (const node of nodes) {
      // A process that was seen to end has no lease to wait for.
      const { peer } = node
      void node.exited?.then((why) => {
        if (peer !== undefined) this.#oracle.left(peer, new Error(why))
      })
    }
  }

  /** @throws {GoawayError} ERR_GOAWAY_LIMIT when no number is left */
  #takePlace(): number {
    if (this.#nextPlace < placesMax) return this.#nextPlace++
    const text = `Cannot take a node back: ${placesMax} came and went; start the program anew`
    throw new GoawayError('ERR_GOAWAY_LIMIT', text)
  }

  /** Who belongs to the cluster, or is being set up. */
  #linked(): Member[] {
    const others = [...this.#hub.peers].map(({ member }) => member)
    return [this.#myself, ...others.sort((a, b) => a.place - b.place)]
  }

  /** Code that was not found by following the program's imports; asked for by each routine. */
  #prepare(module: string): Promise<void> | undefined {
    const known = this.#adding.get(module)
    if (known !== undefined || this.#start.code.has(module)) return known
    const added = this.#lastAdded.then(() => this.#addCode(module))
    this.#lastAdded = added.catch(() => {}).finally(() => this.#adding.delete(module))
    this.#adding.set(module, added)
    return added
  }

  async #addCode(module: string): Promise<void> {
    const { code } = this.#start
    if (code.has(module)) return
    await code.add(module)
    const here = this.#nodes.filter(({ peer }) => peer !== undefined)
    const outcomes = await Promise.allSettled(here.map((node) => node.install()))
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue
      // A node that is lost needs no code; it gets all there is if it comes back.
      if ((outcome.reason as GoawayError).code !== 'ERR_GOAWAY_NODE_LOST') throw outcome.reason
    }
    await code.spread()
  }

  // What the nodes say.

  standing(): Standing {
    return 'serving'
  }

  setup(peer: Peer, message: SetupMessage): void {
    switch (message[0]) {
      case 'output': {
        const [, client, descriptor, bytes] = message
        const from = { name: peer.member.name, client }
        return this.#output.print(from, descriptor === 2 ? 2 : 1, bytes, () => {
          peer.link.send(['written', client, bytes.byteLength])
          peer.link.flush()
        })
      }
      case 'state':
        return this.#inquiries.answered(message[1], message[2])
      case 'clock?': {
        const now = this.#start.history?.now()
        if (now !== undefined) peer.link.send(['clock', message[1], now])
        return peer.link.flush()
      }
      default:
        this.#nodeOf(peer)?.conversation.received(message)
    }
  }

  async #stats(): Promise<readonly unknown[]> {
    const { name, threads } = this.#myself
    const own = { name, state: 'busy', threads, labels: [], ...this.#hub.counts() }
    const asked = [...this.#hub.peers].map((peer) => this.#inquiries.ask(peer))
    this.#hub.turn()
    return [own, ...(await Promise.all(asked)).filter((status) => status !== undefined)]
  }

  membership(peer: Peer, message: MembershipMessage): void {
    this.#oracle.received(peer, message)
  }

  linkOver(peer: Peer, error: Error | undefined): void {
    this.#oracle.linkOver(peer, error)
  }

  /** Ends what is under way with it. */
  #gone(peer: Peer, error: Error | undefined): boolean {
    const { name } = peer.member
    const text = `Node ${name} is gone: ${error?.message ?? 'it ended'}`
    const lost = new GoawayError('ERR_GOAWAY_NODE_LOST', text, { cause: error, node: name })
    this.#nodeOf(peer)?.conversation.end(lost)
    // It was let go: what the program still waits for ends with the program's own hub.
    return !this.#closing
  }

  #removed(place: number): void {
    const node = this.#remove(place)
    if (this.#closing) return
    this.#hub.tellMembers(this.#oracle.members())
    if (node !== undefined) void this.#awaitReturn(node)
  }

  #remove(place: number): SpawnedNode | undefined {
    const peer = this.#hub.peers.get(place)
    if (peer === undefined) return undefined
    const node = this.#nodeOf(peer)
    if (node !== undefined) node.peer = undefined
    this.#hub.peers.remove(place)
    this.#inquiries.lost(peer)
    void this.#output.finish(peer.member.name)
    return node
  }

  #nodeOf(peer: Peer): SpawnedNode | undefined {
    return this.#nodes.find((node) => node.peer === peer)
  }

  /**
   * A node that was lost may come back as a fresh process where somebody keeps it running: it is
   * asked again and again, and takes part under a new place.
   */
  async #awaitReturn(node: SpawnedNode): Promise<void> {
    if (this.#start.config.launch === 'local') return
    for (let waitMs = returnMsMin; !this.#closing; waitMs = Math.min(waitMs * 2, returnMsMax)) {
      await this.#pause(waitMs)
      if (this.#closing || (await this.#takeBack(node))) return
    }
  }

  #pause(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#returns.delete(timer)
        resolve()
      }, waitMs)
      this.#returns.add(timer)
    })
  }

  async #takeBack(node: SpawnedNode): Promise<boolean> {
    try {
      await node.claim(() => this.#takePlace(), returnMsMin)
      await node.install()
      await node.meet(this.#linked())
    } catch {
      node.peer?.link.close()
      return false
    }
    if (node.peer === undefined || this.#closing) return this.#closing
    this.#take([node])
    this.#hub.tellMembers(this.#oracle.members())
    return true
  }

  /**
   * Lets the nodes go: each ends what it has of this application. When this comes back they know,
   * so that the next application is not told that they are busy.
   */
  async close(): Promise<void> {
    this.#closing = true
    this.#hub.peers.ending()
    this.#oracle.close()
    for (const timer of this.#returns) clearTimeout(timer)
    // A terminal that takes nothing is no reason to keep the nodes.
    await within(farewellMs, this.#output.finish())
    const { history } = this.#start
    if (history !== undefined) await within(historyFetchMs, history.collect(this.#nodes))
    const peers = [...this.#hub.peers]
    for (const { link } of peers) {
      link.send(['bye'])
      link.close()
    }
    const ended = Promise.all(peers.map((peer) => peer.ended))
    const stopped = Promise.allSettled(this.#nodes.map((node) => node.stop()))
    await Promise.all([within(farewellMs, ended), stopped])
  }
}

/** Resolves when the promise does, or when the time is over. */
async function within(limitMs: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs)
  })
  await Promise.race([promise, limit])
  clearTimeout(timer)
}

const spawner = { place: 0, index: 0, name: 'spawner', host: '', port: 0, labels: [] } as const
