/**
 * What concerns the replicated stores, of which each node has a replica: requests of threads, and
 * messages between the machines of two nodes. Each store's own words are in its own file beside
 * this one.
 */
/**
 * A store of which each node has a replica. `weak-causal` holds the `Weak` objects whose order is
 * causal: they have a machine of their own.
 */
export type ReplicatedStore = 'lin-fast-read' | 'weak' | 'weak-causal' | 'update-on-release'

/** What a thread asks of such a store: all that a strict one can be asked, and its own besides. */
export type ReplicaOperation = readonly [name: string, ...rest: unknown[]]

/** The same, with the name of the store. */
export type ReplicatedOperation = readonly [store: ReplicatedStore, operation: ReplicaOperation]

/**
 * Between the machines of one store at two nodes. Whoever carries it does not look into it. It is a
 * tuple of plain values and of further tuples: an object in it could not carry a large value.
 */
export type ReplicaMessage = readonly [name: string, ...rest: unknown[]]

/** The same, as it goes over a link. */
export type ReplicaLinkMessage = readonly ['store', store: ReplicatedStore, message: ReplicaMessage]
