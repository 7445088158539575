/** A link that remembers whether it was used. */
import type { Link } from '../transport/contract.ts'
import type { LinkMessage } from '../wire/messages.ts'

export class CountedLink implements Link {
  readonly #link: Link
  #sent = false

  constructor(link: Link) {
    this.#link = link
  }

  get isConnected(): boolean {
    return this.#link.isConnected
  }

  get backlog(): number {
    return this.#link.backlog
  }

  /** Whether anything was sent since this was asked last. */
  takeSent(): boolean {
    const sent = this.#sent
    this.#sent = false
    return sent
  }

  send(message: LinkMessage): void {
    this.#sent = true
    this.#link.send(message)
  }

  flush(): void {
    this.#link.flush()
  }

  close(): void {
    this.#link.close()
  }
}
