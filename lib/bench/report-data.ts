/**
 * What a run of the benches found. The JSON file that it leaves is this; the table and the page
 * are made of it. Times are in microseconds, but where a name says otherwise. Times of different
 * runs cannot be compared, machines are too noisy for that; ratios of one run can.
 */

export interface BenchReport {
  readonly version: 1
  readonly mode: 'quick' | 'full'
  /** ISO 8601. */
  readonly started: string
  readonly tookMs: number
  readonly machine: BenchMachine
  /** What nothing made of the same parts can beat: an atomic load, a bare port, a bare socket. */
  readonly limits: readonly Figure[]
  readonly cells: readonly Cell[]
  readonly targets: readonly ReportedTarget[]
  readonly workloads: readonly Workload[]
  /** A line for each part that was not measured, with the way to have it. */
  readonly leftOut: readonly string[]
}

export interface BenchMachine {
  readonly goaway: string
  readonly node: string
  readonly cores: number
  readonly processor: string
}

export interface Figure {
  readonly name: string
  readonly p50: number
  readonly p99: number
}

/** One cell of the matrix: an operation, where it was asked for, and beside what. */
export interface Cell {
  readonly store: string
  readonly operation: string
  readonly placement: 'same thread' | 'other thread' | 'other node'
  readonly transport: 'thread' | 'tcp'
  /** Nodes that take part, the program's own one included. */
  readonly nodes: number
  /** Percent of the operations that read, where the cell is a mix. */
  readonly readShare?: number
  readonly contention: 'own fields' | 'shared field' | 'under a lock'
  readonly p50: number
  readonly p99: number
  readonly perSecond: number
  /** Where the middle half of the rounds' medians lies. */
  readonly spread: readonly [number, number]
  /** Between nodes, an operation. */
  readonly messages: number
  /** Between nodes, an operation, before TLS. */
  readonly bytes: number
  /** The limit that it is to be seen beside. */
  readonly limit: string
}

/** A ratio that the project set itself, and whether it was reached in this run. */
export interface ReportedTarget {
  /** Of which bench it is: `local`, `cluster`, `stores`, `map`, ... */
  readonly bench: string
  readonly what: string
  /** What was measured, with the limit beside it. */
  readonly figures: Readonly<Record<string, number>>
  readonly unit: string
  readonly ratio: number
  /** Where the middle half of the rounds' ratios lies. */
  readonly spread?: readonly [number, number]
  readonly wanted: { readonly atMost: number } | { readonly atLeast: number }
  /** The ratio is to a fixed number, not to something measured beside it. */
  readonly isAbsolute?: boolean
  readonly met: boolean
}

/** A whole program, beside the same work done by one thread without the library. */
export interface Workload {
  readonly name: string
  /** `2 threads`, `3 nodes`, ... */
  readonly where: string
  /** Threads that compute. */
  readonly workers: number
  readonly serialMs: number
  readonly tookMs: number
  readonly speedUp: number
  /** What bare threads without the library reach in the same run, where that was measured. */
  readonly bareSpeedUp?: number
  /** Between nodes, in all. */
  readonly messages: number
  readonly bytes: number
}
