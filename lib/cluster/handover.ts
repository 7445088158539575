/**
 * A link whose first words decide who is to have it. What comes after them waits until it has been
 * handed over.
 */
import type { Link, LinkEnd, LinkListener } from '../transport/contract.ts'
import type { LinkMessage } from '../wire/messages.ts'

export class Handover implements LinkEnd, LinkListener {
  readonly link: Link
  readonly #first: (message: LinkMessage) => void
  readonly #waiting: LinkMessage[] = []
  #heard = false
  #onClosed: () => void = () => {}
  #closed: { readonly error: Error | undefined } | undefined
  #listener: LinkListener | undefined

  /** @param first is given the first message, and may `open` this link then or later */
  constructor(end: LinkEnd, first: (message: LinkMessage) => void) {
    this.#first = first
    this.link = end.open(this)
  }

  received(messages: readonly LinkMessage[]): void {
    if (this.#listener !== undefined) return this.#listener.received(messages)
    this.#waiting.push(...messages)
    const first = this.#heard ? undefined : this.#waiting.shift()
    if (first === undefined) return
    this.#heard = true
    this.#first(first)
  }

  closed(error?: Error): void {
    this.#closed = { error }
    this.#listener?.closed(error)
    this.#onClosed()
  }

  onClosed(act: () => void): void {
    this.#onClosed = act
  }

  open(listener: LinkListener): Link {
    this.#listener = listener
    // Whoever opens it has yet to take what it returns.
    queueMicrotask(() => {
      const messages = this.#waiting.splice(0)
      if (messages.length > 0) listener.received(messages)
      if (this.#closed !== undefined) listener.closed(this.#closed.error)
    })
    return this.link
  }
}
