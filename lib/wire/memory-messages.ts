/** What a thread asks of its hub to read by itself what its node has (docs/replicas.md). */
import type { ReplicatedStore } from './replica-messages.ts'

/**
 * `open` answers the memory of the object's fields, from block `from` on if its generation is still
 * that one, else all of it; `null`: not now; 0: never, as it is
 * at another node, or as there are too many.
 */
export type MemoryOperation =
  | readonly ['open', store: SharedStore, object: string, from: number, generation: number]
  | readonly ['segment', index: number]

/** A store whose objects this node may have. */
export type SharedStore = 'strict' | ReplicatedStore

export type MemoryAnswer =
  | null
  | 0
  | SharedArrayBuffer
  | readonly [generation: number, from: number, ...blocks: SharedArrayBuffer[]]
