/** What a node says of itself to the command line: plain data, fit for JSON. */

export interface NodeStatus {
  readonly name: string
  readonly state: 'free' | 'busy'
  /** What the application is called that the node serves. */
  readonly title?: string
  /** When that application began, in milliseconds since 1970. */
  readonly since?: number
  readonly labels: readonly string[]
  /** Routines that run at a time. */
  readonly threads: number
  /** Routines that run now, parked ones included. */
  readonly running: number
  /** Routines that wait for a thread. */
  readonly waiting: number
  /** Routines that have ended since the application began. */
  readonly done: number
  /** Strict objects whose master the node is. */
  readonly objects: number
  /** Locks that are held or waited for, of which the node is master. */
  readonly locks: number
  /** Values that were put and that somebody at the node has, whether or not they are there. */
  readonly refs: number
  /** Memory of those that are there. */
  readonly refBytes: number
  /**
   * What the node has sent to other nodes for routines, objects and locks since the application
   * began.
   */
  readonly messagesSent: number
  /** All that it has sent to them, before TLS: headers, leases and acknowledgements with it. */
  readonly bytesSent: number
  /** Of the whole process (resident set), in bytes. */
  readonly memoryBytes: number
  /** Of the library. */
  readonly version: string
  /** `process.version`. */
  readonly runtime: string
  readonly pid: number
  readonly incarnation: string
}
