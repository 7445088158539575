/** What the model of stealing (`stealing-model.ts`) is made of: its state, and its links. */
import { mayRun, type PlacedNode, type PlacementState } from '../../lib/protocol/placement-state.ts'
import { Violation } from './explore.ts'

export interface Script {
  readonly on?: string
  readonly apart?: string
  readonly priority?: number
  /** It ends when all that are not long are over. */
  readonly long?: boolean
  /** Its order is overtaken by what is sent after it. */
  readonly large?: boolean
  /** Which of the starters it comes from. @default 0 */
  readonly starter?: number
}

export type PlantedFault =
  | 'returned though begun'
  | 'recall kept when its node is lost'
  | 'counted at both nodes'
  | 'room counted back'
  | 'what is left is forgotten'
  | 'silent when the rest has come'
  | 'asked again and again'
  | 'returned for nobody'

export interface StealingOptions {
  readonly routines: readonly Script[]
  /** Threads of each node. */
  readonly threads: readonly number[]
  readonly starters?: number
  /** Nodes that may be lost, at most. */
  readonly losses?: number
  /** Routines that may be cancelled, at most. */
  readonly cancels?: number
  readonly fault?: PlantedFault
}

export type Message =
  | readonly ['order', id: number]
  | readonly ['cancel', id: number]
  | readonly ['recall', most: number, name: string, sent: number]
  | readonly ['returned', id: number]
  | readonly ['recalled', received: number, left: number]
  | readonly ['room', allowed: number, load: number, idle: number, arrived: number]
  | readonly ['over', id: number]

export interface Starter {
  readonly placement: PlacementState
  /** Where each routine is that is not settled; -1: it waits. */
  at: Map<number, number>
  since: Map<number, number>
  stopping: Set<number>
  recalls: number
  /** As the driver has it: something has changed; and it is about to look. */
  changed: boolean
  armed: boolean
}

/** What a node has of one starter. */
export interface Served {
  received: number
  allowedTold: number
  eagerTold: number
  loadTold: number
  /** So many orders had been sent when it was asked last. */
  askedAt: number
  hasNews: boolean
  open: Set<number>
}

export interface StealingNode {
  readonly place: number
  readonly threads: number
  waiting: number[]
  running: Set<number>
  served: Served[]
}

export interface StealingState {
  starters: Starter[]
  nodes: StealingNode[]
  /** By `starter node`, and by `node starter`. */
  links: Map<string, Message[]>
  submitted: number
  settled: Set<number>
  begun: Set<number>
  /** How often each was given back. */
  returned: Map<number, number>
  losses: number
  cancels: number
}

const nameOf = (at: number): string => `node-${at}`

export function placed(at: number, threads: number): PlacedNode {
  const counts = { allowed: 0, sent: 0, eager: 0, arrived: 0, marked: 0, mine: 0, others: 0 }
  const facts = { place: at, index: at, name: nameOf(at), labels: [], threads }
  return { ...facts, ...counts, asked: new Map() }
}

/** A copy of a state is a tree: what was one and the same is made so again. */
export function relink({ nodes, groups, waiting }: PlacementState): void {
  for (const group of groups.values()) {
    group.nodes = nodes.filter((node) => mayRun(node, group.on))
    for (const id of group.routines.keys()) waiting.set(id, group)
  }
}

function laneOf(message: Message): number {
  const [kind, id] = message
  return kind === 'room' || kind === 'recall' || kind === 'recalled' ? 0 : (id as number)
}

/** What may come next: what it overtakes is large, and of another routine. */
export function deliverable(
  messages: readonly Message[],
  isLarge: (id: number) => boolean,
): number[] {
  const found: number[] = []
  for (const [index, message] of messages.entries()) {
    const overtaken = messages.slice(0, index)
    if (overtaken.some((one) => laneOf(one) === laneOf(message))) continue
    found.push(index)
    const hasValue = message[0] === 'order' || message[0] === 'returned'
    if (!hasValue || !isLarge(message[1])) break
  }
  return found
}

export function nodeAt(state: StealingState, at: number): StealingNode | undefined {
  return state.nodes.find((node) => node.place === at)
}

export function send(state: StealingState, key: string, message: Message): void {
  const messages = state.links.get(key)
  const last = messages?.at(-1)
  if (messages === undefined) state.links.set(key, [message])
  // Of two in a row the latter says it all.
  else if (message[0] === 'room' && last?.[0] === 'room') messages[messages.length - 1] = message
  else messages.push(message)
}

export function settle(state: StealingState, starter: Starter, id: number): void {
  starter.at.delete(id)
  starter.since.delete(id)
  starter.stopping.delete(id)
  if (state.settled.has(id)) throw new Violation(`P1: ${id} is settled twice`)
  state.settled.add(id)
}
