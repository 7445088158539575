/** Gives a node its replicas: which machines there are, and what they are to each other. */
import { linFastRead } from '../protocol/lin-fast-read.ts'
import { updateOnRelease } from '../protocol/update-on-release.ts'
import { weak, weakCausal } from '../protocol/weak.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { HubOptions } from './hub-options.ts'
import type { Master } from './master.ts'
import type { Peers } from './peers.ts'
import type { Published } from './published.ts'
import { type ReplicaMachines, Replicas, type ReplicasHost } from './replicas.ts'
import type { StoreReplies } from './stores.ts'

const machines: ReplicaMachines = {
  'lin-fast-read': linFastRead,
  weak,
  'weak-causal': weakCausal,
  'update-on-release': updateOnRelease,
}

/** What they need of their hub. */
export interface ReplicasHome {
  readonly replies: StoreReplies
  readonly master: Master
  readonly peers: Peers
  readonly published: Published
  taken(client: number, error?: ErrorRecord): void
}

export function hostReplicas(options: HubOptions, home: ReplicasHome): Replicas {
  const { replies, master, peers } = home
  const { cluster } = options
  const parameters = {
    place: cluster?.place ?? 0,
    founders: cluster?.nodes ?? 0,
    placement: cluster?.placement ?? 'first',
  } as const
  const host: ReplicasHost = {
    replies,
    locks: master,
    published: home.published,
    taken: (client, error) => home.taken(client, error),
    standing: () => peers.driver.standing(),
    ...(cluster === undefined ? {} : { staleFence: (o) => peers.router.refusalOf(o) }),
    send: (place, message) => peers.get(place)?.link.send(message),
  }
  const behind = cluster === undefined ? master : peers.router
  const replicas = new Replicas(parameters, behind, host, options.replicaMachines ?? machines)
  peers.replicas = replicas
  // Who is alone stays so.
  if (cluster === undefined) replicas.view(1, [0])
  return replicas
}
