/** The routines between this node and the others: one pair of ends for each link. */
import type { ClusterExecutor } from '../executor/cluster-executor.ts'
import type { Report } from '../executor/contract.ts'
import type { NodeFacts } from '../executor/local-node.ts'
import { idleAfterMs } from '../limits.ts'
import type { Link } from '../transport/contract.ts'
import type { RemoteRoutineMessage } from '../wire/messages.ts'
import { RemoteRoutines, RoutineServer } from './link-routines.ts'

interface Ends {
  readonly remote: RemoteRoutines
  readonly server: RoutineServer
}

export class ClusterRoutines {
  readonly #executor: () => ClusterExecutor
  readonly #ends = new Map<number, Ends>()
  #isLooking = false
  #idleIsDue = false

  /** @param executor is made with {@link ordererOf}, and so after this */
  constructor(executor: () => ClusterExecutor) {
    this.#executor = executor
  }

  ordererOf(place: number): Report | undefined {
    return this.#ends.get(place)?.server
  }

  /** @param inProcess the link does not leave the process */
  joined(node: NodeFacts, link: Link, inProcess = false): void {
    const executor = this.#executor()
    const { place } = node
    const remote = new RemoteRoutines(link, node, executor.reportOf(place), inProcess)
    const { threads, room } = executor
    const server = new RoutineServer(link, place, threads, room, inProcess)
    this.#ends.set(place, { remote, server })
    executor.nodeJoined(remote)
  }

  received(place: number, message: RemoteRoutineMessage): void {
    const ends = this.#ends.get(place)
    if (ends === undefined) return
    switch (message[0]) {
      case 'started':
      case 'value':
      case 'result':
      case 'failure':
      case 'room':
      case 'returned':
      case 'recalled':
        return ends.remote.received(message)
      default:
        return ends.server.received(message)
    }
  }

  lost(place: number, error?: Error): void {
    const ends = this.#ends.get(place)
    if (ends === undefined) return
    this.#ends.delete(place)
    ends.server.closed()
    this.#executor().nodeLost(place, error)
  }

  /** Places, lets the threads take, and says what there is room for. Called once a turn. */
  dispatch(): void {
    const executor = this.#executor()
    executor.dispatch()
    executor.threads.dispatch()
    let isUntold = false
    for (const { server } of this.#ends.values()) {
      if (server.tellRoom(this.#idleIsDue)) isUntold = true
    }
    this.#idleIsDue = false
    if (isUntold) this.#lookLater()
  }

  /** Between two calls of a conversation threads are idle as well: that is not worth a message. */
  #lookLater(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    this.#executor().later(idleAfterMs, () => {
      this.#isLooking = false
      this.#idleIsDue = true
    })
  }
}
