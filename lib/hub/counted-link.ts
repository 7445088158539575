/** A link that counts what is sent over it, and remembers whether it was used. */
import type { Link } from '../transport/contract.ts'
import type { LinkMessage } from '../wire/messages.ts'

/** What one node has sent to another, or to all others. */
export interface Traffic {
  readonly messagesSent: number
  readonly bytesSent: number
}

/**
 * What routines, objects and locks are made of. The rest makes a cluster, or is said again and
 * again to keep it: counted with them, it would tell of time and not of work.
 */
export const workMessages: ReadonlySet<string> = new Set([
  ...['request', 'cease', 'over', 'gone', 'acknowledge', 'reply', 'refusal', 'waiting', 'store'],
  ...['part', 'ended'],
  ...['function', 'terms', 'order', 'cancel', 'credit', 'finish'],
  ...['started', 'value', 'result', 'failure', 'room', 'recall', 'returned', 'recalled'],
  'ref',
])

export class CountedLink implements Link, Traffic {
  readonly #link: Link
  readonly #leaving: ((message: LinkMessage) => void) | undefined
  #sent = false
  #messagesSent = 0

  /** @param leaving is told of each message before it is sent */
  constructor(link: Link, leaving?: (message: LinkMessage) => void) {
    this.#link = link
    this.#leaving = leaving
  }

  get isConnected(): boolean {
    return this.#link.isConnected
  }

  get backlog(): number {
    return this.#link.backlog
  }

  get bytesSent(): number {
    return this.#link.bytesSent
  }

  /** Of {@link workMessages}. */
  get messagesSent(): number {
    return this.#messagesSent
  }

  /** Whether anything was sent since this was asked last. */
  takeSent(): boolean {
    const sent = this.#sent
    this.#sent = false
    return sent
  }

  send(message: LinkMessage): void {
    this.#sent = true
    this.#leaving?.(message)
    if (workMessages.has(message[0])) this.#messagesSent++
    this.#link.send(message)
  }

  flush(): void {
    this.#link.flush()
  }

  close(): void {
    this.#link.close()
  }
}
