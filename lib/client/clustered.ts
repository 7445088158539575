/**
 * What values need to know of the thread that they are packed or read in: see `Node` in
 * `current.ts`, which keeps it, and knows of those who pack values. So they look here.
 */
const key = Symbol.for('goaway.place')

/** The refs of a thread, for who reads a value. */
export interface RefRestorer {
  /** Makes the object one of that ref. */
  restore(target: object, ref: number): void
  /** What came with a result or a value is taken, or nobody wants it. */
  delivered(refs: readonly number[]): void
}

interface ThisThread {
  readonly clustered: boolean
  readonly client?: { readonly refs: RefRestorer }
}

interface Global {
  readonly [key]?: {
    readonly node: ThisThread | undefined
    readonly simulated: (() => ThisThread | undefined) | undefined
  }
}

function thisThread(): ThisThread | undefined {
  const place = (globalThis as Global)[key]
  return place?.simulated?.() ?? place?.node
}

/** Whether the node of this thread has neighbours. */
export function isClustered(): boolean {
  return thisThread()?.clustered === true
}

/** Undefined where there is no node. */
export function refsOfThread(): RefRestorer | undefined {
  return thisThread()?.client?.refs
}
