/** Gives a node its replicas: which machines there are, and what they are to each other. */
import { linFastRead } from '../protocol/lin-fast-read.ts'
import { updateOnRelease } from '../protocol/update-on-release.ts'
import { weak, weakCausal } from '../protocol/weak.ts'
import type { HubOptions } from './hub-options.ts'
import type { Master } from './master.ts'
import type { Peers } from './peers.ts'
import { type ReplicaMachines, Replicas, type ReplicasHost } from './replicas.ts'
import type { StoreReplies } from './stores.ts'

const machines: ReplicaMachines = {
  'lin-fast-read': linFastRead,
  weak,
  'weak-causal': weakCausal,
  'update-on-release': updateOnRelease,
}

export function hostReplicas(
  options: HubOptions,
  replies: StoreReplies,
  master: Master,
  peers: Peers,
): Replicas {
  const { cluster } = options
  const parameters = {
    place: cluster?.place ?? 0,
    founders: cluster?.nodes ?? 0,
    placement: cluster?.placement ?? 'first',
  } as const
  const host: ReplicasHost = {
    replies,
    locks: master,
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
