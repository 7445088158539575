/**
 * The contract of a link: an ordered, reliable channel of messages between two hubs. Every
 * transport passes `test/transport/suite.ts`.
 *
 * - Messages arrive whole, once, and in the order in which they were sent.
 * - `send` never throws and never blocks; what is sent after the end is dropped.
 * - `closed` is called exactly once, on both sides, whoever ended it, and after the last message.
 * - `backlog` says how much has been sent and not yet taken: whoever sends looks at it.
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
  close(): void
}

/** One end of a link that nobody listens to yet: nothing is lost until somebody does. */
export interface LinkEnd {
  open(listener: LinkListener): Link
}
