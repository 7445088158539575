/**
 * A cluster in one thread: the drivers of stores and locks, and the machines behind them, are those
 * of real nodes; time, chance, links and processes are the test's.
 */
import { recordOf } from '../../lib/client/error-codec.ts'
import { Oracle } from '../../lib/cluster/oracle.ts'
import { GoawayError } from '../../lib/errors.ts'
import { hostReplicas } from '../../lib/hub/host-replicas.ts'
import { Master } from '../../lib/hub/master.ts'
import { foreignLocks, Peers } from '../../lib/hub/peers.ts'
import type { ReplicaMachines, Replicas } from '../../lib/hub/replicas.ts'
import type { ClientReplies, StoreReplies } from '../../lib/hub/stores.ts'
import { clientsPerNode, clockDriftMax } from '../../lib/limits.ts'
import { Participation } from '../../lib/node/participation.ts'
import type { Standing } from '../../lib/protocol/membership-node.ts'
import type { ErrorRecord } from '../../lib/wire/error-record.ts'
import type { Answer, LinkMessage, Member, Operation } from '../../lib/wire/messages.ts'
import { randomOf } from '../hub/random.ts'
import { type Station, VirtualNetwork } from './virtual-network.ts'
import { NodeClock, VirtualTime } from './virtual-time.ts'

export interface WorldOptions {
  readonly seed: number
  /** Nodes in the cluster file. */
  readonly nodes: number
  readonly placement?: 'first' | 'hash'
  /** Left out: those of the library. */
  readonly machines?: ReplicaMachines
  /** How long a message takes. Left out: 1 to 20 ms, each message another time. */
  readonly delayMs?: (from: number, to: number, message: LinkMessage) => number
  /** The clocks of nodes go wrong, as far as is allowed. */
  readonly drift?: boolean
  readonly sent?: (from: number, to: number, message: LinkMessage) => void
}

export type Reply =
  | { readonly type: 'answer'; readonly answer: Answer }
  | { readonly type: 'refuse'; readonly code: string; readonly maybeExecuted: boolean }

export const nodeTimeoutMs = 1000
export const linkGraceMs = 400
/** With these a lease ends some 0.8 s after it was asked for. */
const timing = { nodeTimeoutMs, linkGraceMs }

export class ReplicaWorld {
  readonly time = new VirtualTime()
  readonly random: () => number
  readonly network: VirtualNetwork
  readonly options: WorldOptions
  /** By place: all that there ever were. */
  readonly nodes: WorldNode[] = []
  readonly #oracle: Oracle

  constructor(options: WorldOptions) {
    this.options = options
    this.random = randomOf(options.seed * 7919 + 1)
    const delayMs = options.delayMs ?? (() => 1 + this.random() * 19)
    const sent = options.sent ?? (() => {})
    const { random } = this
    this.network = new VirtualNetwork(this.time, { graceMs: linkGraceMs, random, delayMs, sent })
    for (let place = 0; place <= options.nodes; place++) this.#addNode(place, place)
    this.#oracle = this.#makeOracle(this.node(0))
    const founders = this.nodes.slice(1)
    for (const node of founders) node.join()
    this.#take(founders)
  }

  #makeOracle({ peers, member, clock }: WorldNode): Oracle {
    const remove = (place: number): void => peers.remove(place)
    const oracle = new Oracle(
      timing,
      {
        hub: { peers, turn: () => peers.flush() },
        myself: member,
        gone: () => true,
        removed: remove,
        dropped: remove,
      },
      clock,
    )
    peers.driver = {
      standing: () => 'serving',
      setup: () => {},
      membership: (peer, message) => oracle.received(peer, message),
      linkOver: (peer, error) => oracle.linkOver(peer, error),
    }
    return oracle
  }

  #take(nodes: readonly WorldNode[]): void {
    const spawner = this.node(0)
    spawner.take(() => {
      this.#oracle.take(nodes.flatMap(({ place }) => spawner.peers.get(place) ?? []))
    })
  }

  #addNode(place: number, index: number): WorldNode {
    const node = new WorldNode(this, place, index)
    for (const other of this.nodes) {
      if (!other.isAlive) continue
      const [near, far] = this.network.connect(other, node)
      other.peers.link(node.member, near)
      node.peers.link(other.member, far)
    }
    this.nodes.push(node)
    return node
  }

  node(place: number): WorldNode {
    return this.nodes[place] as WorldNode
  }

  /** Nodes that serve, the spawner among them. */
  serving(): WorldNode[] {
    return this.nodes.filter((node) => node.isAlive && node.standing() === 'serving')
  }

  crash(place: number): void {
    this.node(place).isAlive = false
    this.network.crashed(place)
  }

  /** A fresh process in the stead of one that is gone; false while it cannot reach all others. */
  restart(place: number): boolean {
    const former = this.node(place)
    if (former.isAlive || former.isReplaced) return false
    const alive = this.nodes.filter((node) => node.isAlive)
    // Each two of them must have met, and where the way is cut they cannot.
    if (alive.some((node) => alive.some((other) => this.network.isCut(node.place, other.place)))) {
      return false
    }
    former.isReplaced = true
    const spawner = this.node(0)
    spawner.take(() => {
      const peer = spawner.peers.get(place)
      const error = new GoawayError('ERR_GOAWAY_NODE_LOST', 'Another process answers')
      if (peer !== undefined) this.#oracle.linkOver(peer, error)
    })
    const node = this.#addNode(this.nodes.length, former.index)
    node.join()
    this.#take([node])
    return true
  }

  run(untilMs: number, isOver?: () => boolean): boolean {
    return this.time.run(untilMs, isOver)
  }
}

type Settle = (reply: Reply) => void

export class WorldNode implements Station {
  readonly place: number
  readonly index: number
  readonly member: Member
  readonly clock: NodeClock
  readonly peers: Peers
  readonly replicas: Replicas
  readonly #world: ReplicaWorld
  readonly #calls = new Map<number, Settle>()
  #nextCall = 1
  #participation: Participation | undefined
  /** One of its threads has lost a lock that it held. */
  lockLost: (lock: string, token: number) => void = () => {}
  isAlive = true
  isReplaced = false
  /** It does nothing before that time. */
  stoppedUntil = 0

  constructor(world: ReplicaWorld, place: number, index: number) {
    const { options, time, random } = world
    this.#world = world
    this.place = place
    this.index = index
    const nothing = { host: '', port: 0, labels: [], threads: 1 }
    this.member = { place, index, name: `n${place}`, ...nothing, incarnation: `i${place}` }
    const rate = options.drift === true ? 1 + (random() * 2 - 1) * clockDriftMax : 1
    this.clock = new NodeClock(time, rate, (act) => this.take(act))
    const { nodes, placement = 'first' } = options
    const cluster = { place, index, nodes, placement }
    const replies = this.#replies()
    const master = new Master(replies, foreignLocks(this, cluster))
    this.peers = new Peers(cluster, master, replies, () => this.peers.flush(), this.clock)
    const machines = options.machines === undefined ? {} : { replicaMachines: options.machines }
    const hub = { node: '', words: new Int32Array(1), firstClient: 0, cluster, ...machines }
    this.replicas = hostReplicas(
      { ...hub, executor: () => null as never },
      replies,
      master,
      this.peers,
    )
  }

  #replies(): ClientReplies {
    const mine = (client: number): boolean => Math.floor(client / clientsPerNode) === this.place
    const settle = (call: number, reply: Reply): void => {
      const done = this.#calls.get(call)
      // Whoever is answered twice has been answered wrongly once.
      if (done === undefined) throw new Error(`Call ${call} of node ${this.place} was not open`)
      this.#calls.delete(call)
      done(reply)
    }
    const elsewhere = (client: number): StoreReplies | undefined =>
      this.peers.ofClient(client)?.server.replies
    return {
      answer: (client, call, answer) => {
        if (!mine(client)) return elsewhere(client)?.answer(client, call, answer)
        settle(call, { type: 'answer', answer })
      },
      refuse: (client, call, error) => {
        if (!mine(client)) return elsewhere(client)?.refuse(client, call, error)
        settle(call, { type: 'refuse', ...factsOf(error) })
      },
      parked: (request) => {
        if (!mine(request.client)) elsewhere(request.client)?.parked(request)
      },
      lockLost: (_client, lock, token) => this.lockLost(lock, token),
    }
  }

  /** Its part in the cluster begins; the spawner has none of its own. */
  join(): void {
    const { peers } = this
    const host = { peers, over: () => this.#leave() }
    const participation = new Participation({ member: this.member, ...timing }, host, this.clock)
    this.#participation = participation
    peers.driver = {
      standing: () => this.standing(),
      setup: () => {},
      membership: (peer, message) => participation.received(peer, message),
      linkOver: (peer) => participation.linkOver(peer, undefined),
    }
  }

  standing(): Standing {
    if (!this.isAlive) return 'expired'
    return this.#participation?.standing() ?? 'serving'
  }

  /** The process ends, and says so. */
  #leave(): void {
    if (!this.isAlive) return
    this.#participation?.close()
    for (const { link } of this.peers) {
      link.send(['bye'])
      link.close()
    }
    this.isAlive = false
  }

  take(act: () => void): void {
    if (!this.isAlive) return
    const { time } = this.#world
    if (time.now < this.stoppedUntil) time.at(this.stoppedUntil, () => this.take(act))
    else {
      act()
      if (this.isAlive) this.peers.flush()
    }
  }

  /** Asks as one of this node's threads, 0 being the program's. */
  ask(operation: Operation, settle: Settle, thread = 0, owner = 0): number {
    const call = this.#nextCall++
    this.take(() => {
      this.#calls.set(call, settle)
      const client = this.clientOf(thread)
      this.replicas.request({ client, call, owner, thread, blocking: false, operation })
    })
    return call
  }

  clientOf(thread: number): number {
    return this.place * clientsPerNode + thread
  }

  forget(call: number, thread = 0): void {
    const error = new GoawayError('ERR_GOAWAY_TIMEOUT', 'given up')
    this.take(() => this.replicas.forget(this.clientOf(thread), call, recordOf(error)))
  }

  lose(thread: number): void {
    this.take(() => this.replicas.clientLost(this.clientOf(thread)))
  }
}

function factsOf(record: ErrorRecord): { code: string; maybeExecuted: boolean } {
  const facts = record.errors[0]
  const maybe = facts?.own.find(([name]) => name === 'maybeExecuted')?.[1]
  const maybeExecuted = maybe !== undefined && 'value' in maybe && maybe.value === true
  return { code: facts?.code ?? '', maybeExecuted }
}
