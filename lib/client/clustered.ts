/**
 * Whether the node of this thread has neighbours: see `Node` in `current.ts`, which keeps it.
 * Whoever packs values reads it here, for `current.ts` knows of those who do.
 */
const key = Symbol.for('goaway.place')

interface Global {
  readonly [key]?: {
    readonly node: { readonly clustered: boolean } | undefined
    readonly simulated: (() => { readonly clustered: boolean } | undefined) | undefined
  }
}

export function isClustered(): boolean {
  const place = (globalThis as Global)[key]
  return (place?.simulated?.() ?? place?.node)?.clustered === true
}
