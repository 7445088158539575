/** By which a test keeps `slow-module.ts` loading in the threads of its own process. */
import { setEnvironmentData } from 'node:worker_threads'

export const slowGateKey = 'goaway-test slow module'

export class SlowGate {
  readonly #word = new Int32Array(new SharedArrayBuffer(4))

  /** Closed for all threads that are started from now on: to be made before `init()`. */
  constructor() {
    setEnvironmentData(slowGateKey, this.#word as never)
  }

  open(): void {
    Atomics.store(this.#word, 0, 1)
  }
}
