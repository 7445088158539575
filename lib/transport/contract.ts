/**
 * The contract of a link: an ordered, reliable channel of messages between two hubs. Every
 * transport passes `test/transport/suite.ts`.
 *
 * - Messages arrive whole, once, and in the order in which they were sent. Only a message with a
 *   large value may be overtaken, and only by messages of another *lane* (`lib/wire/lane.ts`): a
 *   client's requests, or a routine's messages, stay in order among themselves.
 * - `send` never throws and never blocks; what is sent after the end is dropped.
 * - `closed` is called exactly once, on both sides, whoever ended it, and after the last message.
 * - `backlog` says how much has been sent and not yet taken: whoever sends looks at it.
 * - `bytesSent` counts all that was handed to connections, before TLS: headers, acknowledgements,
 *   what was sent again. A link that makes no bytes of its messages says 0.
 */
import type { LinkMessage } from '../wire/messages.ts'

export interface LinkListener {
  received(messages: readonly LinkMessage[]): void
  /** The link is over; `error` says why if nobody asked for it. */
  closed(error?: Error): void
}

export interface Link {
  /** Sends with the next `flush`. */
  send(message: LinkMessage): void
  flush(): void
  /** Messages under way. */
  readonly backlog: number
  /** Since it was opened. */
  readonly bytesSent: number
  /** False while its connection is broken, and may come back. */
  readonly isConnected: boolean
  close(): void
}

/** One end of a link that nobody listens to yet: nothing is lost until somebody does. */
export interface LinkEnd {
  open(listener: LinkListener): Link
}

/** What a process says of itself, and what it wants, before there is a link. */
export interface Hello {
  /** Version of the wire protocol; both ends must have the same. */
  readonly protocol: number
  /** Version of the library; both ends must have the same. */
  readonly version: string
  /** `process.version`; another major is worth a warning. */
  readonly runtime: string
  /**
   * `claim`: a spawner wants the node. `peer`: a node of the same application. `status`, `stop`:
   * the command line.
   */
  readonly purpose: 'claim' | 'peer' | 'status' | 'stop'
  /** Of the application that the speaker belongs to; '' for none. */
  readonly application: string
  /** The node's name; for a spawner or a command line, what a person would call it. */
  readonly name: string
  /** The speaker's place in the application, 0 for a spawner; -1 for none. */
  readonly place: number
  /** Tells one life of the speaker's process from the next. */
  readonly incarnation: string
}
