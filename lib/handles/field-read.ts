/** A field as a thread has read it: version 0 and `undefined` if it is absent. */
export interface FieldRead {
  readonly version: number
  readonly value: unknown
}
