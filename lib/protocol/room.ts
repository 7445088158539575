/**
 * How many routines a node takes in advance (docs/protocols/placement.md): as many as begin within
 * `aheadMs`, as measured here. So few long ones wait at a node while another becomes idle, and many
 * short ones are there when a message would have cost more than they do. One at least: whatever
 * runs, parks or blocks here, the next is there to take its place.
 *
 * Only begun routines count, not ended ones: parents that wait for their children take no room.
 */
import { aheadMs } from '../limits.ts'

export interface RoomState {
  readonly threads: number
  readonly aheadMax: number
  /** Routines that are wanted in advance. */
  ahead: number
  /** Where the present measurement began. */
  sinceMs: number
  sinceBegun: number
  /** When more was wanted last because a thread had nothing to do. */
  raisedMs: number
  /** Within this measurement a thread had nothing to do while there was more to be had. */
  starved: boolean
}

export interface RoomFacts {
  readonly nowMs: number
  /** Routines that began so far. */
  readonly begun: number
  /** Routines that are here and have not begun. */
  readonly waiting: number
  readonly running: number
  /** Somebody has sent all that he was allowed: he may have more. */
  readonly exhausted: boolean
}

/** A thread without work is worth another routine so soon. */
const raiseMs = 1

export function initialRoom(threads: number, aheadMax: number): RoomState {
  const rest = { sinceMs: 0, sinceBegun: 0, raisedMs: 0, starved: false }
  return { threads, aheadMax, ahead: 1, ...rest }
}

/** How many more routines the node takes now. */
export function measureRoom(state: RoomState, facts: RoomFacts): number {
  const { nowMs, waiting, running } = facts
  const free = Math.max(0, state.threads - running)
  if (waiting === 0 && free > 0 && facts.exhausted && nowMs - state.raisedMs >= raiseMs) {
    state.raisedMs = nowMs
    state.starved = true
    state.ahead = Math.min(state.aheadMax, state.ahead * 2)
  }
  if (nowMs - state.sinceMs >= aheadMs) follow(state, facts)
  return Math.max(0, free + state.ahead - waiting)
}

/** Adapts to how many routines began lately. */
function follow(state: RoomState, { nowMs, begun, waiting }: RoomFacts): void {
  const count = begun - state.sinceBegun
  if (count > 0 || waiting > 0) {
    const wanted = Math.ceil((count * aheadMs) / (nowMs - state.sinceMs))
    const least = state.starved ? state.ahead : 1
    state.ahead = Math.min(state.aheadMax, Math.max(least, wanted))
  }
  state.sinceMs = nowMs
  state.sinceBegun = begun
  state.starved = false
}
