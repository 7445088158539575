/**
 * Which routines are taken back from a busy node for one that has nothing to do
 * (docs/protocols/placement.md, step 7). A starter asks; the node answers with those that have not
 * begun, and says how many of their like it still has. At most one question is open at a node, and
 * one for a node.
 *
 * A node is not asked again for the same other node before it has been sent something that it was
 * not asked about: so questions come to an end when all that is there has begun, or may not go.
 */
import {
  hasIdleHands,
  isMeant,
  loadOf,
  type PlacedNode,
  type PlacementState,
  type Wish,
} from './placement-state.ts'

export interface Recall {
  readonly from: PlacedNode
  readonly to: PlacedNode
  /** So many routines are wanted at most. */
  readonly most: number
}

/** Whether the node has, or is about to have, what it was not asked about for that one. */
function hasNews({ asked, sent, arrived }: PlacedNode, to: PlacedNode): boolean {
  const before = asked.get(to.place)
  return before === undefined ? sent > 0 : sent > before.sent || arrived > before.arrived
}

/** What is sent now, and is over before the next look, is not asked for. */
export function markSent(state: PlacementState): void {
  for (const node of state.nodes) node.marked = node.sent
}

/** Whether it has routines that it was sent before the mark. */
function hasOld({ mine, sent, marked }: PlacedNode): boolean {
  return mine > sent - marked
}

/** The busiest node that may have something for that one. */
function busiestFor(state: PlacementState, to: PlacedNode, ofOld: boolean): PlacedNode | undefined {
  let busiest: PlacedNode | undefined
  for (const node of state.nodes) {
    if (node === to || node.mine === 0 || node.threads === 0) continue
    if (state.recalls.has(node.place) || hasIdleHands(node)) continue
    if (!hasNews(node, to) || (ofOld && !hasOld(node))) continue
    if (busiest === undefined || loadOf(node) > loadOf(busiest)) busiest = node
  }
  return busiest
}

/**
 * A question to ask, if there is one. All that may be sent anywhere has been sent before.
 *
 * @param ofOld nobody is asked who has had no routine since the mark
 */
export function findRecall(state: PlacementState, ofOld: boolean): Recall | undefined {
  for (const to of state.nodes) {
    if (!hasIdleHands(to) || isServed(state, to.place)) continue
    const from = busiestFor(state, to, ofOld)
    if (from !== undefined) return { from, to, most: to.allowed - to.sent }
  }
  return undefined
}

/** Whether another node was asked for its sake. */
function isServed(state: PlacementState, place: number): boolean {
  for (const { to } of state.recalls.values()) if (to === place) return true
  return false
}

/** It is being asked. */
export function recallSent(state: PlacementState, { from, to }: Recall): void {
  state.recalls.set(from.place, { to: to.place, sent: from.sent })
}

/**
 * The node has answered.
 *
 * @param arrived orders of this node that it had by then: a large one may have been overtaken by
 *   the question; the node tells by `room` when it is there
 * @param left those that have not begun, and might have been given back as well
 */
export function recallAnswered(
  state: PlacementState,
  place: number,
  arrived: number,
  left: number,
): void {
  const recall = state.recalls.get(place)
  state.recalls.delete(place)
  const node = state.nodes.find((one) => one.place === place)
  if (recall === undefined || node === undefined || left > 0) return
  const { to, sent } = recall
  if (state.nodes.some((one) => one.place === to)) node.asked.set(to, { sent, arrived })
}

/** A routine was given back. */
export function givenBack(node: PlacedNode): void {
  node.mine--
}

/** Whether a routine may be given back for a node of that name, and with these labels. */
export function mayGo(wish: Wish, name: string, labels: readonly string[]): boolean {
  return wish.apart !== name && isMeant(name, labels, wish.on)
}

/**
 * How many of those that wait are given back: half of them, one at least, as many as are wanted at
 * most. The other half is for the node's own threads, which were busy for a moment only.
 */
export function shareToGive(waiting: number, most: number): number {
  return Math.min(most, Math.ceil(waiting / 2))
}
