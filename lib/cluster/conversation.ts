/** Setting a node up is a dialogue: what is awaited of a peer, in the order in which it comes. */
import type { SetupMessage } from '../wire/messages.ts'

type Named<N extends SetupMessage[0]> = Extract<SetupMessage, readonly [N, ...unknown[]]>

interface Awaited {
  resolve(message: SetupMessage): void
  reject(error: unknown): void
}

export class Conversation {
  readonly #arrived: SetupMessage[] = []
  readonly #awaited = new Map<string, Awaited>()
  #over: { readonly error: unknown } | undefined

  /** The next message of that name; rejects when the conversation is over. */
  next<N extends SetupMessage[0]>(name: N): Promise<Named<N>> {
    const at = this.#arrived.findIndex((message) => message[0] === name)
    if (at >= 0) return Promise.resolve(this.#arrived.splice(at, 1)[0] as Named<N>)
    if (this.#over !== undefined) return Promise.reject(this.#over.error)
    return new Promise((resolve, reject) => {
      this.#awaited.set(name, { resolve: resolve as Awaited['resolve'], reject })
    })
  }

  received(message: SetupMessage): void {
    const awaited = this.#awaited.get(message[0])
    this.#awaited.delete(message[0])
    if (awaited === undefined) this.#arrived.push(message)
    else awaited.resolve(message)
  }

  end(error: unknown): void {
    this.#over ??= { error }
    for (const { reject } of this.#awaited.values()) reject(error)
    this.#awaited.clear()
  }
}
