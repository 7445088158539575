/**
 * A supervisor without a terminal, as `goaway up` leaves it behind: it is told over IPC what to be,
 * answers whether the node listens, and from then on writes to its log alone.
 */
import process from 'node:process'
import { GoawayError } from '../errors.ts'
import type { NodeStart } from './node-start.ts'
import { supervise } from './supervise.ts'
import { eventLine, type SupervisorEvent } from './supervisor.ts'

/** The one message to it. */
export interface DetachedStart {
  readonly name: string
  readonly start: NodeStart
  /** Stands in for the node process, in tests. */
  readonly program?: string | undefined
}

/** The one answer. */
export type DetachedAnswer =
  | Extract<SupervisorEvent, { type: 'listening' }>
  | { readonly type: 'failed'; readonly message: string }

function log(line: string): void {
  console.log(`${new Date().toISOString()} ${line}`)
}

function answer(message: DetachedAnswer): void {
  // Whoever asked may be gone.
  if (process.connected) process.send?.(message, () => process.connected && process.disconnect())
}

async function main({ name, start, program }: DetachedStart): Promise<void> {
  process.title = `goaway node ${name} (supervisor)`
  const tell = (event: SupervisorEvent): void => {
    log(eventLine(event))
    if (event.type === 'listening') answer(event)
  }
  try {
    await supervise({ name, start, tell, program })
    log(`goaway node ${name} has ended`)
  } catch (error) {
    if (!(error instanceof GoawayError)) throw error
    log(error.message)
    answer({ type: 'failed', message: error.message })
    process.exitCode = 1
  }
}

process.once('message', (message) => main(message as DetachedStart))
