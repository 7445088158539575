/** Gives a node its stores: which machines there are, and what they are to each other. */

import { recordOf } from '../client/error-codec.ts'
import { linFastRead } from '../protocol/lin-fast-read.ts'
import { updateOnRelease } from '../protocol/update-on-release.ts'
import { weak, weakCausal } from '../protocol/weak.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { Operation } from '../wire/messages.ts'
import type { HubOptions, StatusCounts } from './hub-options.ts'
import { Master } from './master.ts'
import { fencesIn } from './operations.ts'
import { alone, foreignLocks, Peers } from './peers.ts'
import { Published } from './published.ts'
import { Refs } from './refs.ts'
import { type ReplicaMachines, Replicas } from './replicas.ts'
import type { ReplicasHost } from './replicas-host.ts'
import { staleToken } from './router.ts'
import { type ClientReplies, isReplicated } from './stores.ts'

const machines: ReplicaMachines = {
  'lin-fast-read': linFastRead,
  weak,
  'weak-causal': weakCausal,
  'update-on-release': updateOnRelease,
}

/** What they need of their hub. */
export interface StoresHome {
  turn(): void
  /** One more one-way write of the client to that store has taken effect, or was refused. */
  taken(client: number, store: string, error?: ErrorRecord): void
}

/** All stores of a node: those that are replicated, and those behind. */
export interface HostedStores {
  readonly master: Master
  readonly peers: Peers
  readonly replicas: Replicas
  /** The values that were put. */
  readonly refs: Refs
  readonly published: Published
  counts(): Omit<StatusCounts, 'running' | 'waiting' | 'done'>
}

export function hostStores(
  options: HubOptions,
  replies: ClientReplies,
  home: StoresHome,
): HostedStores {
  const { cluster, words, recorder, clock } = options
  const published = new Published(words)
  const isForeign = foreignLocks(() => peers, cluster)
  const master = new Master(replies, isForeign, recorder, published)
  const peers: Peers = new Peers(cluster ?? alone, master, replies, () => home.turn(), clock)
  const parameters = {
    place: cluster?.place ?? 0,
    founders: cluster?.nodes ?? 0,
    placement: cluster?.placement ?? 'first',
  } as const
  const host: ReplicasHost = {
    replies,
    locks: master,
    published,
    taken: (client, store, error) => home.taken(client, store, error),
    standing: () => peers.driver.standing(),
    staleFence: (operation) =>
      cluster === undefined ? staleHere(master, operation) : peers.router.refusalOf(operation),
    nameOf: (place) => peers.nameOf(place),
    send: (place, message) => peers.get(place)?.link.send(message),
  }
  const behind = cluster === undefined ? master : peers.router
  const replicas = new Replicas(parameters, behind, host, options.replicaMachines ?? machines)
  peers.replicas = replicas
  // Who is alone stays so.
  if (cluster === undefined) replicas.view(1, [0])
  const refs = hostRefs(peers, replies)
  const counts = () => ({ ...master.counts(), ...refs.counts(), ...peers.traffic() })
  return { master, peers, replicas, refs, published, counts }
}

/** The values that were put, and the refs that go along with routines. */
function hostRefs(peers: Peers, replies: ClientReplies): Refs {
  const refs = new Refs(peers.place, {
    replies,
    send: (place, message) => {
      const peer = peers.get(place)
      peer?.link.send(message)
      return peer !== undefined
    },
  })
  peers.refs = refs
  return refs
}

/** Who is alone serves all locks. Of the machines, those of `Weak` know of none. */
function staleHere(master: Master, operation: Operation): ErrorRecord | undefined {
  if (!isReplicated(operation) || !operation[0].startsWith('weak')) return undefined
  const stale = fencesIn(operation)?.find(([lock, token]) => !master.holds(lock, token))
  return stale && recordOf(staleToken(stale[0], stale[1]))
}
