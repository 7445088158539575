/** What an executor of threads needs of the hub that it lives in. */
import type { ErrorRecord } from '../wire/error-record.ts'
import type { RunMessage, ThreadPort } from '../wire/messages.ts'
import type { ThreadWords } from '../wire/shared-words.ts'

/** Where the threads are attached: the hub listens to their ports and hands reports back. */
export interface ThreadHost {
  /** The folder of the application's code, once this node has been sent it. */
  readonly code?: string | undefined
  /** Numbers a client; never twice. */
  nextClient(): number
  attach(client: number, thread: number, port: ThreadPort, words: ThreadWords): void
  /** The thread is gone; what it had sent is to be taken first. */
  detach(client: number): void
  send(client: number, message: RunMessage): void
  /**
   * Deliveries to the client, those under way included: compared with what it says it has taken.
   */
  deliveries(client: number): number
  /** The routine is asked to stop: what it waits for in a call is refused with the reason. */
  routineStopping(client: number, routine: number, reason: ErrorRecord): void
  /** The routine of that client is over: what it still holds or waits for ends. */
  routineEnded(client: number, routine: number): void
  /** Whether routines that the client has started are still unsettled. */
  hasStarted(client: number): boolean
  /** Something has happened outside of a message: work through it. */
  turn(): void
}
