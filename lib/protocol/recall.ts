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

/** The busiest node that may have something for that one. */
function busiestFor(state: PlacementState, to: PlacedNode): PlacedNode | undefined {
  let busiest: PlacedNode | undefined
  for (const node of state.nodes) {
    if (node === to || node.mine === 0 || node.threads === 0) continue
    if (state.recalls.has(node.place) || hasIdleHands(node)) continue
    if (node.sent <= (node.asked.get(to.place) ?? 0)) continue
    if (busiest === undefined || loadOf(node) > loadOf(busiest)) busiest = node
  }
  return busiest
}

/** A question to ask, if there is one. All that may be sent anywhere has been sent before. */
export function findRecall(state: PlacementState): Recall | undefined {
  for (const to of state.nodes) {
    if (!hasIdleHands(to) || isServed(state, to.place)) continue
    const from = busiestFor(state, to)
    if (from !== undefined) return { from, to, most: to.allowed - to.sent }
  }
  return undefined
}

/** Whether another node was asked for its sake. */
function isServed(state: PlacementState, place: number): boolean {
  for (const to of state.recalls.values()) if (to === place) return true
  return false
}

/** It is being asked. */
export function recallSent(state: PlacementState, { from, to }: Recall): void {
  state.recalls.set(from.place, to.place)
}

/**
 * The node has answered.
 *
 * @param received orders of this node that it had by then, for some may have been overtaken
 * @param left those that have not begun, and might have been given back as well
 */
export function recallAnswered(
  state: PlacementState,
  place: number,
  received: number,
  left: number,
): void {
  const to = state.recalls.get(place)
  state.recalls.delete(place)
  if (to === undefined || left > 0) return
  const node = state.nodes.find((one) => one.place === place)
  if (node === undefined || !state.nodes.some((one) => one.place === to)) return
  node.asked.set(to, Math.min(received, node.sent))
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
