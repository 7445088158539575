/** How the processes of a simulation hear of their membership: by the drivers of a real cluster. */
import { Oracle } from '../cluster/oracle.ts'
import type { Peer } from '../hub/peer.ts'
import { type EndReason, Participation } from '../node/participation.ts'
import type { MembershipOptions } from '../protocol/membership-times.ts'
import type { SimulatedProcess } from './simulated-process.ts'

/** Makes the process the spawner of its cluster. `removed`: that place belongs to it no more. */
export function driveSpawner(
  process: SimulatedProcess,
  times: MembershipOptions,
  removed: (place: number) => void,
): Oracle {
  const { hub, clock, member } = process
  const drop = (place: number): void => hub.peers.remove(place)
  const oracle = new Oracle(
    times,
    {
      hub,
      myself: member,
      gone: () => true,
      dropped: drop,
      removed: (place) => {
        drop(place)
        hub.tellMembers(oracle.members())
        removed(place)
      },
    },
    clock,
  )
  hub.peers.driver = {
    standing: () => 'serving',
    membership: (peer, message) => oracle.received(peer, message),
    setup: () => {},
    linkOver: (peer, error) => oracle.linkOver(peer, error),
  }
  return oracle
}

/** Makes the process, which is linked to the spawner, a node. `over`: it serves no more. */
export function driveNode(
  process: SimulatedProcess,
  times: MembershipOptions,
  over: (reason: EndReason) => void,
): Participation {
  const { hub, clock, member } = process
  let isOver = false
  const host = {
    peers: hub.peers,
    lease: (endAt: number): void => {
      if (!isOver) hub.lease.set(endAt)
    },
    over: (reason: EndReason): void => {
      if (isOver) return
      isOver = true
      hub.lease.set(-Infinity)
      participation.close()
      over(reason)
    },
  }
  const participation: Participation = new Participation({ member, ...times }, host, clock)
  hub.peers.driver = {
    standing: () => (isOver ? 'expired' : participation.standing()),
    membership: (peer, message) => participation.received(peer, message),
    setup: () => {},
    linkOver: (peer: Peer, error) => participation.linkOver(peer, error),
  }
  return participation
}
