/** One node of the cluster file as its spawner sets it up: started, claimed, given code, met. */
import { join } from 'node:path'
import { errorOf } from '../client/error-codec.ts'
import type { ClusterConfig, NodeConfig } from '../deploy/cluster-config.ts'
import { goawayHome } from '../deploy/goaway-home.ts'
import type { LaunchedNode } from '../deploy/launch-local.ts'
import { launchNode } from '../deploy/launch-node.ts'
import { GoawayError } from '../errors.ts'
import type { Hub } from '../hub/hub.ts'
import type { Peer } from '../hub/peer.ts'
import type { Hello } from '../transport/contract.ts'
import type { Credentials } from '../transport/credentials.ts'
import { dial } from '../transport/tcp.ts'
import type { Claim, Member } from '../wire/messages.ts'
import type { CodeKeeper } from './code-keeper.ts'
import { Conversation } from './conversation.ts'
import type { HistoryKeeper } from './history-keeper.ts'

export interface SpawnedNodeParts {
  readonly hub: Hub
  readonly config: ClusterConfig
  readonly credentials: Credentials
  readonly code: CodeKeeper
  readonly hello: Hello
  readonly title: string
  readonly argv: readonly string[]
  readonly resourceLimits: Claim['resourceLimits']
  readonly spawnerThreads: number
  readonly history: HistoryKeeper | undefined
}

export class SpawnedNode {
  /** While it is linked. */
  peer: Peer | undefined
  conversation = new Conversation()
  readonly #config: NodeConfig
  readonly #parts: SpawnedNodeParts
  readonly #abort = new AbortController()
  #launched: LaunchedNode | undefined
  /** Settles when no code is on its way to it; never rejects. */
  #installing: Promise<void> = Promise.resolve()

  constructor(config: NodeConfig, parts: SpawnedNodeParts) {
    this.#config = config
    this.#parts = parts
  }

  /** When the process that this program has started for it, on this machine, is gone. */
  get exited(): Promise<string> | undefined {
    return this.#launched?.isChild === true ? this.#launched.exited : undefined
  }

  /**
   * Starts it if need be, and makes it this application's.
   *
   * @param placeOf asked when it has answered: one that is away for long uses up no places
   */
  async claim(placeOf: () => number, timeoutMs = this.#parts.config.startTimeoutMs): Promise<void> {
    const { host, name } = this.#config
    const { config, credentials, hello } = this.#parts
    const { signal } = this.#abort
    this.#launched ??= await launchNode(config.launch, this.#config, {
      credentials,
      storeDirectory: join(goawayHome(), 'code'),
      startTimeoutMs: timeoutMs,
      signal,
    })
    const port = this.#launched?.port ?? this.#config.port
    const { linkGraceMs: graceMs } = config
    const target = { host, port, name, credentials, hello, graceMs, timeoutMs, signal }
    const { peer: found, end } = await dial(target)
    const { index, labels } = this.#config
    const { incarnation } = found
    const member: Member = {
      place: placeOf(),
      index,
      name,
      host,
      port,
      labels,
      threads: 0,
      incarnation,
    }
    this.conversation = new Conversation()
    const peer = this.#parts.hub.peers.link(member, end)
    this.peer = peer
    peer.link.send(['claim', this.#claimOf(member)])
    peer.link.flush()
    const [, threads, allLabels, recordsIn] = await this.conversation.next('claimed')
    peer.member = { ...member, threads, labels: allLabels }
    if (recordsIn !== undefined) this.#parts.history?.began(member, recordsIn)
  }

  #claimOf(member: Member): Claim {
    const { config, hello, title, argv, resourceLimits, spawnerThreads, history } = this.#parts
    const { nodes, placement, nodeTimeoutMs, linkGraceMs, sessionMs } = config
    const { threads, threadsMax } = this.#config
    return {
      application: hello.application,
      title,
      member,
      nodeTimeoutMs,
      linkGraceMs,
      sessionMs,
      placement,
      nodes: nodes.length,
      threads,
      threadsMax,
      argv,
      resourceLimits,
      spawnerThreads,
      history: history?.claim,
    }
  }

  /** Gives it the code that it lacks; one bundle after the other, for it is one conversation. */
  install(): Promise<void> {
    const before = this.#installing
    const install = async (): Promise<void> => {
      await before
      await this.#parts.code.install(this.linked(), this.conversation)
    }
    const installed = install()
    this.#installing = installed.catch(() => {})
    return installed
  }

  /** Has it dial the nodes of lower place. */
  async meet(members: readonly Member[]): Promise<void> {
    const { link } = this.linked()
    link.send(['meet', members])
    link.flush()
    const [, error] = await this.conversation.next('met')
    if (error !== null) throw errorOf(error)
  }

  /** @throws {GoawayError} ERR_GOAWAY_NODE_LOST if it went away meanwhile */
  linked(): Peer {
    if (this.peer !== undefined) return this.peer
    const { name } = this.#config
    const text = `Node ${name} went away while it was set up`
    throw new GoawayError('ERR_GOAWAY_NODE_LOST', text, { node: name })
  }

  /** Ends the process, if this program has started it. */
  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#launched?.stop()
  }
}
