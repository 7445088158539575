/** A field as a thread has read it: version 0 and `undefined` if it is absent. */
export interface FieldRead {
  readonly version: number
  readonly value: unknown
  /** It was read as a property of a handle: so its name is none that the handle needs. */
  isProperty?: boolean
}
