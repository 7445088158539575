/**
 * What the strict machine remembers: a tree of plain data. Names are keys of Maps, never of
 * objects: a field may be called `__proto__`.
 */
import type { EncodedValue } from '../wire/messages.ts'

export interface StrictField {
  version: number
  value: EncodedValue
}

/** A call that is answered by the next write of its field. */
export interface StrictWait {
  readonly client: number
  readonly call: number
}

export interface StrictObject {
  /** The version last given. It outlives the fields, so that no version is ever given twice. */
  version: number
  readonly fields: Map<string, StrictField>
  /** Names that some `init` has named. They stay when the field is deleted. */
  readonly initialised: Set<string>
  /** By field, in the order of arrival. An empty list is not kept. */
  readonly waits: Map<string, StrictWait[]>
  waitCount: number
}

/** Faults that tests plant, to see whether they are found out. */
export type StrictMutant = 'no token check'

export interface StrictState {
  readonly mutant: StrictMutant | null
  readonly objects: Map<string, StrictObject>
  /** The token of each lock's current holder, as the lock machine of this master has told it. */
  readonly holders: Map<string, number>
  /** The largest token that was seen of each lock that another master serves. */
  readonly foreignTokens: Map<string, number>
  /** Where the waits of a client stand, by call. A client without waits is not kept. */
  readonly waiting: Map<number, Map<number, readonly [object: string, field: string]>>
}
