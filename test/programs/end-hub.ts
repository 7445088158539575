/**
 * Ends the hub of this process. A hub stops at a frame that it cannot read, so any thread crashes
 * it by posting one; it dies without a word when the Worker that it is, caught here as it is made,
 * is terminated.
 */
import { syncBuiltinESMExports } from 'node:module'
import threads from 'node:worker_threads'
import { place } from '../../lib/client/current.ts'

const made: threads.Worker[] = []
const Original = threads.Worker
threads.Worker = class extends Original {
  constructor(file: string | URL, options?: threads.WorkerOptions) {
    super(file, options)
    made.push(this)
  }
}
syncBuiltinESMExports()

/** Makes the hub throw. Works from every thread. */
export function crashHub(): void {
  place.node?.client.channel.port.postMessage('a frame that cannot be read')
}

/** Terminates the hub: it can tell nobody. Only in the program's own thread. */
export function terminateHub(): void {
  void made[0]?.terminate()
}
