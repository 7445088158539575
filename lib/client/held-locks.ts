/** The locks that this thread holds, for whoever hears that one of them is lost. */
import type { GoawayError } from '../errors.ts'
import { earlyLossesMax } from '../limits.ts'

/** A lock that is held, until it is released. */
export interface Losable {
  readonly lock: string
  readonly token: number
  lose(reason: GoawayError): void
}

export class HeldLocks {
  readonly #held = new Map<string, Losable>()
  /** Losses that were told in the same breath as the grant, which nobody has taken yet. */
  readonly #early = new Map<string, GoawayError>()

  add(held: Losable): void {
    const key = keyOf(held.lock, held.token)
    this.#held.set(key, held)
    const reason = this.#early.get(key)
    if (reason === undefined) return
    this.#early.delete(key)
    held.lose(reason)
  }

  delete({ lock, token }: Losable): void {
    this.#held.delete(keyOf(lock, token))
  }

  lose(lock: string, token: number, reason: GoawayError): void {
    const key = keyOf(lock, token)
    const held = this.#held.get(key)
    if (held !== undefined) return held.lose(reason)
    // Most were given back instead, and will not be asked for.
    for (const oldest of this.#early.keys()) {
      if (this.#early.size < earlyLossesMax) break
      this.#early.delete(oldest)
    }
    this.#early.set(key, reason)
  }

  loseAll(reason: GoawayError): void {
    for (const held of [...this.#held.values()]) held.lose(reason)
  }
}

/** A lock has one master, which gives each token once. */
function keyOf(lock: string, token: number): string {
  return `${token} ${lock}`
}

/** The name, in the table of all locks, of the one under which an object is written. */
export function objectLock(object: string): string {
  return `\u0000update-on-release ${object}`
}
