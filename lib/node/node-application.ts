/**
 * One application at a node, from its claim to its end: the hub with its threads, the code, the
 * links to the other nodes, and the node's belief that it still belongs to them.
 */
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { recordOf } from '../client/error-codec.ts'
import { defaultThreadsMax } from '../client/threads-variable.ts'
import { Conversation } from '../cluster/conversation.ts'
import type { Handover } from '../cluster/handover.ts'
import { CodeStore } from '../deploy/code-store.ts'
import type { NodeStart } from '../deploy/node-start.ts'
import type { NodeStatus } from '../deploy/node-status.ts'
import { GoawayError } from '../errors.ts'
import type { Pool } from '../executor/pool.ts'
import { assembleHub } from '../hub/assemble.ts'
import type { Hub } from '../hub/hub.ts'
import type { StatusCounts } from '../hub/hub-options.ts'
import { dieLoudly } from '../hub/hub-start.ts'
import type { Peer } from '../hub/peer.ts'
import type { PeersDriver } from '../hub/peers.ts'
import type { Standing } from '../protocol/membership-node.ts'
import type { Hello, LinkEnd } from '../transport/contract.ts'
import { dial } from '../transport/tcp.ts'
import type {
  Claim,
  CodeManifest,
  Member,
  MembershipMessage,
  SetupMessage,
} from '../wire/messages.ts'
import { NodeRecording } from './node-recording.ts'
import { type EndReason, Participation } from './participation.ts'

export interface NodeApplicationOptions {
  readonly claim: Claim
  /** The link to the spawner. */
  readonly spawner: Handover
  readonly start: NodeStart
  readonly hubWords: Int32Array
  readonly pool: Pool
  hello(): Hello
  status(): NodeStatus
  /** The application is over; `why`, if that was not asked for. */
  over(why: GoawayError | undefined): void
}

export class NodeApplication implements PeersDriver {
  readonly name: string
  readonly place: number
  readonly labels: readonly string[]
  readonly threads: number
  readonly #options: NodeApplicationOptions
  readonly #hub: Hub
  readonly #spawner: Peer
  readonly #store: CodeStore
  readonly #setup = new Conversation()
  readonly #recording: NodeRecording | undefined
  /** Members by place, as this node was told of them. */
  readonly #members = new Map<number, Member>()
  readonly #participation: Participation
  #over = false

  constructor(options: NodeApplicationOptions) {
    this.#options = options
    const { claim, start } = options
    const { member } = claim
    this.name = member.name
    this.place = member.place
    this.labels = [...new Set([...start.labels, ...member.labels])]
    this.threads = start.threads ?? claim.threads ?? availableParallelism()
    this.#store = new CodeStore(start.storeDirectory)
    this.#recording = this.#record()
    this.#hub = this.#assemble()
    this.#hub.peers.driver = this
    this.#spawner = this.#hub.peers.link(spawnerOf(claim), options.spawner)
    const recordsIn = this.#recording?.target.file
    this.#recording?.begin()
    const claimed = ['claimed', this.threads, this.labels] as const
    this.#spawner.link.send(recordsIn === undefined ? claimed : [...claimed, recordsIn])
    this.#participation = new Participation(claim, {
      peers: this.#hub.peers,
      lease: (endAt) => {
        if (!this.#over) this.#hub.lease.set(endAt)
      },
      over: (reason, error) => this.#ended(reason, error),
    })
    this.#hub.executor.warm(1)
    this.#hub.turn()
  }

  #assemble(): Hub {
    const { claim, start, hubWords, pool } = this.#options
    const { member, placement, nodes, sessionMs } = claim
    const threadsMax = start.threadsMax ?? claim.threadsMax ?? defaultThreadsMax(this.threads)
    const hub = assembleHub({
      node: this.name,
      hubWords,
      threads: this.threads,
      threadsMax: Math.max(this.threads, threadsMax),
      pool,
      argv: claim.argv,
      history: this.#recording?.target,
      cluster: {
        place: member.place,
        index: member.index,
        nodes,
        placement,
        sessionMs,
        labels: this.labels,
      },
    })
    dieLoudly(hub, hubWords)
    return hub
  }

  #record(): NodeRecording | undefined {
    const { claim, start } = this.#options
    const { application, history, member } = claim
    if (history === undefined) return undefined
    return new NodeRecording({
      claim: history,
      application,
      member,
      directory: join(dirname(start.storeDirectory), 'history'),
      send: (message) => {
        this.#spawner.link.send(message)
        this.#spawner.link.flush()
      },
    })
  }

  counts(): StatusCounts {
    return this.#hub.counts()
  }

  /** Whether a node of that place is linked already. */
  knows(place: number): boolean {
    return this.#hub.peers.get(place) !== undefined
  }

  /** A node of higher place has dialled this one. */
  linked(peer: Hello, end: LinkEnd): void {
    const { place, name, incarnation } = peer
    const known = this.#members.get(place)
    this.#hub.peers.link(known ?? { ...nobody, place, name, incarnation }, end)
  }

  // What the spawner and the other nodes say.

  standing(): Standing {
    return this.#over ? 'expired' : this.#participation.standing()
  }

  setup(peer: Peer, message: SetupMessage): void {
    if (peer !== this.#spawner) return
    switch (message[0]) {
      case 'code':
        void this.#install(message[1])
        return
      case 'meet':
        void this.#meet(message[1])
        return
      case 'written':
        return this.#hub.written(message[1], message[2])
      case 'inquiry':
        peer.link.send(['state', message[1], this.#options.status()])
        return
      case 'clock':
      case 'parts?':
      case 'fetch':
      case 'fetched':
        return this.#recording?.received(message)
      default:
        this.#setup.received(message)
    }
  }

  async #install(manifest: CodeManifest): Promise<void> {
    const { link } = this.#spawner
    let failure: unknown
    try {
      const missing = await this.#store.missing(manifest)
      link.send(['need', missing])
      link.flush()
      for (let left = missing.length; left > 0; left--) {
        const [, hash, bytes] = await this.#setup.next('blob')
        await this.#store.put(hash, bytes)
      }
      this.#hub.useCode(await this.#store.install(manifest))
    } catch (error) {
      failure = error
    }
    link.send(['installed', manifest.hash, failure === undefined ? null : recordOf(failure)])
    link.flush()
  }

  async #meet(members: readonly Member[]): Promise<void> {
    const { link } = this.#spawner
    let failure: unknown
    try {
      for (const member of members) this.#members.set(member.place, member)
      const lower = members.filter(({ place }) => place > 0 && place < this.place)
      await Promise.all(lower.map((member) => this.#dial(member)))
    } catch (error) {
      failure = error
    }
    link.send(['met', failure === undefined ? null : recordOf(failure)])
    link.flush()
  }

  async #dial(member: Member): Promise<void> {
    if (this.knows(member.place)) return
    const { host, port, name, incarnation } = member
    const { claim, start, hello } = this.#options
    const { end } = await dial({
      host,
      port,
      name,
      credentials: start.credentials,
      hello: hello(),
      expects: incarnation,
      graceMs: claim.linkGraceMs,
      timeoutMs: claim.nodeTimeoutMs,
    })
    if (!this.#over) this.#hub.peers.link(member, end)
  }

  membership(peer: Peer, message: MembershipMessage): void {
    this.#participation.received(peer, message)
  }

  linkOver(peer: Peer, error: Error | undefined): void {
    this.#participation.linkOver(peer, error)
  }

  #ended(reason: EndReason, error: Error | undefined): void {
    if (reason === 'dismissed') return this.#end(undefined)
    if (reason === 'link') {
      const text = 'The link to the program that this node served is over'
      return this.#end(new GoawayError('ERR_GOAWAY_LINK_LOST', text, { cause: error }))
    }
    const { name } = this
    const text = `Node ${name} does not belong to its cluster any more (${reason})`
    this.#end(new GoawayError('ERR_GOAWAY_NODE_LOST', text, { node: name }))
  }

  #end(why: GoawayError | undefined): void {
    if (this.#over) return
    this.#serveNoMore()
    if (why !== undefined) this.#hub.peers.expired(why)
    this.#options.over(why)
  }

  /** Its threads are not to read by themselves either, once the others may hear of its end. */
  #serveNoMore(): void {
    this.#over = true
    this.#hub.lease.set(-Infinity)
  }

  /** This process ends: the others need not find out for themselves. */
  leave(): void {
    this.#serveNoMore()
    this.#recording?.end()
    this.#participation.close()
    for (const { link } of this.#hub.peers) {
      link.send(['bye'])
      link.close()
    }
  }
}

const nobody = { index: 0, host: '', port: 0, labels: [], threads: 0 }

function spawnerOf({ application, spawnerThreads }: Claim): Member {
  const incarnation = application
  return { ...nobody, place: 0, name: 'spawner', threads: spawnerThreads, incarnation }
}
