/** The nodes of the cluster as the program sees them, and news of them. */
import { GoawayError } from '../errors.ts'
import type { Member } from '../wire/messages.ts'
import type { HubClient } from './hub-client.ts'

/** A node of the cluster. */
export interface ClusterNode {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly labels: readonly string[]
  /** Routines that it runs at a time. */
  readonly threads: number
  /** It is this program's own process. */
  readonly spawner: boolean
}

export type MembersEvent = 'join' | 'leave'
export type MembersListener = (node: ClusterNode) => void

export class Members {
  #members: readonly Member[] = []
  readonly #listeners = { join: new Set<MembersListener>(), leave: new Set<MembersListener>() }
  readonly #asked = new Map<number, (stats: readonly unknown[]) => void>()
  readonly #client: HubClient
  #nextCall = 1

  constructor(client: HubClient) {
    this.#client = client
    client.on('members', (message) => {
      if (message[0] === 'members') this.#update(message[1])
    })
    client.on('stats', (message) => {
      if (message[0] !== 'stats') return
      this.#asked.get(message[1])?.(message[2])
      this.#asked.delete(message[1])
    })
  }

  list(): ClusterNode[] {
    return this.#members.map(nodeOf)
  }

  /** Returns what takes the listener away again. */
  on(event: MembersEvent, listener: MembersListener): () => void {
    const listeners = this.#listeners[event]
    if (listeners === undefined || typeof listener !== 'function') {
      throw new GoawayError(
        'ERR_GOAWAY_CONFIG',
        `cluster.on() takes 'join' or 'leave' and a function: ${String(event)}`,
      )
    }
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  stats(): Promise<readonly unknown[]> {
    const call = this.#nextCall++
    const { keeper } = this.#client
    keeper.retain()
    return new Promise<readonly unknown[]>((resolve, reject) => {
      const stop = this.#client.onLost(reject)
      this.#asked.set(call, (stats) => {
        stop()
        resolve(stats)
      })
      this.#client.send(['stats', call])
    }).finally(() => keeper.release())
  }

  #update(members: readonly Member[]): void {
    const before = this.#members
    this.#members = members
    // The first list is who is there, not who has come.
    if (before.length === 0) return
    const places = (list: readonly Member[]) => new Set(list.map(({ place }) => place))
    const [had, has] = [places(before), places(members)]
    this.#tell(
      'leave',
      before.filter(({ place }) => !has.has(place)),
    )
    this.#tell(
      'join',
      members.filter(({ place }) => !had.has(place)),
    )
  }

  #tell(event: MembersEvent, members: readonly Member[]): void {
    for (const member of members) {
      // On its own: what a listener throws keeps nothing else from being heard.
      for (const listener of this.#listeners[event]) queueMicrotask(() => listener(nodeOf(member)))
    }
  }
}

function nodeOf({ place, name, host, port, labels, threads }: Member): ClusterNode {
  return { name, host, port, labels, threads, spawner: place === 0 }
}
