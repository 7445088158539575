/**
 * The client of this thread. In the program's own thread the first use starts the hub; a pool thread is
 * given its client by its entry. Kept on the global object, so that two copies of the library in one
 * thread meet the same hub.
 */
import { GoawayError } from '../errors.ts'
import type { HubClient } from './hub-client.ts'
import type { RoutineTable } from './routine-table.ts'

/** All that a thread needs to take part. */
export interface Node {
  readonly name: string
  readonly client: HubClient
  readonly routines: RoutineTable
  /** Set in a pool thread: its number. */
  readonly thread: number
  /** Ends the hub; only in the thread that started it. */
  close?(graceMs: number): Promise<void>
}

interface Place {
  /** This is a pool thread: application modules are being loaded to run routines of them. */
  pool: boolean
  node: Node | undefined
  start: (() => Node) | undefined
  shutDown: boolean
  /** Whether this code runs because a module is being loaded for a routine. */
  isLoading: () => boolean
}

const key = Symbol.for('goaway.place')
const globals = globalThis as { [key]?: Place }

export const place: Place = (globals[key] ??= {
  pool: false,
  node: undefined,
  start: undefined,
  shutDown: false,
  isLoading: () => false,
})

/**
 * The node of this thread, started if need be.
 *
 * @param what what is being done, for the message
 * @param programOnly it may not be done while a thread loads a module
 * @throws {GoawayError} ERR_GOAWAY_NOT_SPAWNER, ERR_GOAWAY_SHUTDOWN, ERR_GOAWAY_HUB_LOST
 */
export function currentNode(what: string, programOnly = true): Node {
  if (programOnly && place.pool && place.isLoading()) throw notSpawner(what)
  const { node } = place
  if (node !== undefined) {
    if (node.client.lost !== undefined) throw node.client.lost
    return node
  }
  if (place.shutDown || place.start === undefined) {
    throw new GoawayError(
      'ERR_GOAWAY_SHUTDOWN',
      `Cannot ${what}: shutdown() was called; call init() to start anew`,
    )
  }
  place.node = place.start()
  return place.node
}

export function notSpawner(what: string): GoawayError {
  return new GoawayError(
    'ERR_GOAWAY_NOT_SPAWNER',
    `Cannot ${what} while a thread loads this module to run a function of it. The program's own part ` +
      'has to be left out there:\n\n' +
      "  import { isSpawner } from 'goaway'\n\n" +
      '  if (isSpawner) {\n' +
      '    // init(), goaway(...) and everything else that only the program itself does\n' +
      '  }\n',
  )
}
