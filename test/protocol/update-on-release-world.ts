/**
 * What the model of `UpdateOnRelease` consists of: nodes, links, threads with their scripts. How it
 * moves is in `update-on-release-model.ts`.
 */
import type { LockState } from '../../lib/protocol/lock.ts'
import type { View } from '../../lib/protocol/replica.ts'
import type {
  UpdateOnReleaseInput,
  UpdateOnReleaseMutant,
  UpdateOnReleaseState,
} from '../../lib/protocol/update-on-release.ts'
import type { UpdateOnReleaseMessage } from '../../lib/wire/update-on-release-messages.ts'
import type { Monitor } from './update-on-release-monitor.ts'

/** A value, or what the thread has read of the field, plus one; `null` deletes the field. */
export type Written = number | 'increment' | null

export type Instruction =
  | readonly ['acquire' | 'tryAcquire', object: string]
  /** Ends the section of the object that was acquired last. */
  | readonly ['release', writes: Readonly<Record<string, Written>>, ackAll?: 'all']
  /** The same, and nobody waits for the answer. */
  | readonly ['tell', writes: Readonly<Record<string, Written>>]
  | readonly ['init', object: string, fields: Readonly<Record<string, number>>]
  | readonly ['read', object: string, field: string]
  | readonly ['wait', object: string, field: string]
  /** Goes on when that thread has come so far. */
  | readonly ['after', thread: number, at: number]

export interface Script {
  readonly place: number
  readonly steps: readonly Instruction[]
}

export interface Scenario {
  readonly scripts: readonly Script[]
  /** Places of the first view. */
  readonly places?: readonly number[]
  /** A node that comes in the second view. */
  readonly joiner?: number
  /** Nodes of which one may be removed. */
  readonly removable?: readonly number[]
  /** Threads that may be lost, and calls that may be given up; each once. */
  readonly lost?: readonly number[]
  readonly forgets?: readonly number[]
  readonly ends?: readonly number[]
  /** What the master says comes in any order: more than links do. */
  readonly reordered?: boolean
  /** The start, as far as it is the same for all: joined is who is in the first view. */
  readonly joinOpen?: boolean
  readonly mutant?: UpdateOnReleaseMutant
  /** Judges what the threads have read, by thread, at the end. */
  readonly outcome?: (reads: readonly (readonly unknown[])[]) => void
}

export interface ModelThread {
  readonly place: number
  at: number
  calls: number
  /** The call that has no answer. */
  pending: readonly [call: number, instruction: Instruction] | null
  holds: Readonly<{ object: string; token: number }> | null
  reads: unknown[]
  /** It is gone, or has been refused: it does nothing more. */
  over: string | null
  ended: boolean
}

export interface ModelNode {
  readonly machine: UpdateOnReleaseState
  mayServe: boolean
  /** Views it has been given. */
  views: number
}

export interface World {
  readonly nodes: Map<number, ModelNode>
  readonly lock: LockState
  readonly links: Map<string, UpdateOnReleaseMessage[]>
  readonly views: View[]
  readonly threads: ModelThread[]
  readonly monitor: Monitor
  removed: number
  joined: boolean
  readonly faults: Set<string>
}

/** Place of the master. */
export const master = 1

/** An input, to which is added whether this node may serve. */
export type Fed = WithoutLease<UpdateOnReleaseInput>
type WithoutLease<Input> = Input extends unknown ? Omit<Input, 'mayServe'> : never

export function nodeAt(world: World, place: number): ModelNode {
  const node = world.nodes.get(place)
  if (node === undefined) throw new Error(`there is no node ${place}`)
  return node
}

export function clientOf(index: number): number {
  return index + 100
}

export function ownerOf(index: number): number {
  return index + 10
}
