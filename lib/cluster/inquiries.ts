/** Questions to the nodes that were not answered yet; one that is lost answers no more. */
import type { Peer } from '../hub/peer.ts'

interface Asked {
  readonly peer: Peer
  resolve(status: unknown): void
}

export class Inquiries {
  readonly #asked = new Map<number, Asked>()
  #nextCall = 1

  /** What the node does; undefined if it is lost meanwhile. */
  ask(peer: Peer): Promise<unknown> {
    const call = this.#nextCall++
    peer.link.send(['inquiry', call])
    return new Promise((resolve) => this.#asked.set(call, { peer, resolve }))
  }

  answered(call: number, status: unknown): void {
    this.#asked.get(call)?.resolve(status)
    this.#asked.delete(call)
  }

  lost(peer: Peer): void {
    for (const [call, asked] of this.#asked) if (asked.peer === peer) this.answered(call, undefined)
  }
}
