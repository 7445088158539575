/** A process that is nothing but a supervisor: how it answers to signals. */
import process from 'node:process'
import { Supervisor, type SupervisorOptions } from './supervisor.ts'

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/**
 * Resolves when it was asked to end, by a signal or by `until`; a second signal ends it at once.
 *
 * @throws {GoawayError} ERR_GOAWAY_LAUNCH when the node cannot be started
 */
export async function supervise(options: SupervisorOptions, until?: Promise<void>): Promise<void> {
  const supervisor = new Supervisor(options)
  const stop = (): void => supervisor.stop()
  for (const signal of signals) process.on(signal, stop)
  void until?.then(stop)
  try {
    await supervisor.run()
  } finally {
    for (const signal of signals) process.off(signal, stop)
  }
}
