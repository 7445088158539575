/**
 * Asks busy nodes for what idle ones would begin at once: `lib/protocol/recall.ts` says whom and
 * what for, here it is looked at, and sent.
 *
 * It looks some milliseconds after something has changed, and not before the next change again. So
 * short routines are over before anybody asks for them, and nobody asks in vain for long.
 */
import type { Clock, Timer } from '../clock.ts'
import { recallAfterMs } from '../limits.ts'
import type { PlacedNode, PlacementState } from '../protocol/placement-state.ts'
import {
  findRecall,
  markSent,
  type Recall,
  recallAnswered,
  recallSent,
} from '../protocol/recall.ts'
import type { RecallTerms } from './remote-node.ts'

export interface RecallsOptions {
  readonly clock: Clock
  readonly state: PlacementState
  /** This node, as one of those that are placed on. */
  readonly own: PlacedNode
  /** Routines that were started here and are not settled. */
  readonly routines: () => number
  /** Threads of this node that would begin one at once. */
  readonly idle: () => number
  /** Asks the node of that place: see `RemoteNode.recall`. */
  readonly ask: (place: number, most: number, terms: RecallTerms) => void
  /** Something has happened outside of a message: work through it. */
  readonly turn: () => void
}

export class Recalls {
  /** Something was sent, or a node has said what it has room for. */
  changed = false
  readonly #options: RecallsOptions
  #timer: Timer | undefined
  /** Idle threads of this node when it was looked last. */
  #idle = 0

  constructor(options: RecallsOptions) {
    this.#options = options
  }

  get armed(): boolean {
    return this.#timer !== undefined
  }

  clear(): void {
    this.#options.clock.clearTimer(this.#timer)
    this.#timer = undefined
  }

  /** Called once a turn, when all is placed that there is room for. */
  look(): void {
    const { state, clock } = this.#options
    if (this.#timer !== undefined || state.nodes.length < 2) return
    this.#measureOwn()
    if (!this.changed) return
    this.changed = false
    if (findRecall(state, false) === undefined) return
    markSent(state)
    this.#timer = clock.setTimer(recallAfterMs, () => this.#ask())
  }

  /** Of this node nobody tells it when a thread has become idle. */
  #measureOwn(): void {
    const { own, idle, routines } = this.#options
    if (own.threads === 0) return
    const before = this.#idle
    // Nobody asks where nothing of this node is elsewhere.
    this.#idle = routines() > own.mine ? idle() : 0
    own.eager = own.sent + this.#idle
    own.allowed = Math.max(own.allowed, own.eager)
    if (this.#idle > before) this.changed = true
  }

  #ask(): void {
    const { state, ask, turn } = this.#options
    this.#timer = undefined
    this.#measureOwn()
    const found: Recall[] = []
    for (let next = findRecall(state, true); next !== undefined; next = findRecall(state, true)) {
      recallSent(state, next)
      found.push(next)
    }
    // What was sent since is looked at the next time.
    this.changed = true
    // This node answers at once: so all are found before the first is asked.
    for (const { from, to, most } of found) {
      ask(from.place, most, { name: to.name, labels: to.labels, sent: from.sent })
    }
    turn()
  }

  /** The node of that place has answered: see `RemoteNode.recall`. */
  answered(place: number, arrived: number, left: number): void {
    recallAnswered(this.#options.state, place, arrived, left)
    this.changed = true
  }
}
