/**
 * Whether the node of this thread has neighbours: see `Node` in `current.ts`, which keeps it.
 * Whoever packs values reads it here, for `current.ts` knows of those who do.
 */
const key = Symbol.for('goaway.place')

interface Global {
  readonly [key]?: { readonly node: { readonly clustered: boolean } | undefined }
}

export function isClustered(): boolean {
  return (globalThis as Global)[key]?.node?.clustered === true
}
