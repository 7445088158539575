/** That something held is lost, for whoever asks later, and for whoever listens to its signal. */
import { type Scope, scopes } from '../client/scope.ts'
import type { GoawayError } from '../errors.ts'

export class Loss {
  #reason: GoawayError | undefined
  #controller: AbortController | undefined

  /** Why it is lost, if it is. */
  get reason(): GoawayError | undefined {
    return this.#reason
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** Whoever listens is the code of that scope. */
  happened(reason: GoawayError, scope: Scope): void {
    this.#reason = reason
    scopes.run(scope, () => this.#controller?.abort(reason))
  }
}
