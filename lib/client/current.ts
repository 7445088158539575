/**
 * The client of this thread. In the program's own thread the first use starts the hub; a pool
 * thread is given its client by its entry. Kept on the global object, so that two copies of the
 * library in one thread meet the same hub.
 */
import { GoawayError } from '../errors.ts'
import type { Recorder } from '../history/recorder.ts'
import type { FunctionAddress } from '../wire/messages.ts'
import type { HubClient } from './hub-client.ts'
import type { Members } from './members.ts'
import type { RoutineTable } from './routine-table.ts'

/** All that a thread needs to take part. */
export interface Node {
  readonly name: string
  readonly client: HubClient
  readonly routines: RoutineTable
  /** Set in a pool thread: its number. */
  readonly thread: number
  /** Routines that its process runs at a time; in a simulation's program all of them. */
  readonly threads: number
  /** It has neighbours: what is passed may have to leave the process, and is packed as bytes. */
  readonly clustered: boolean
  /** Where this thread records what it does to objects and locks, if it is to. */
  readonly recorder?: Recorder | undefined
  /** Who is in the cluster; only in the program's own thread. */
  readonly members?: Members
  /** Names a function that a routine is to run, where that is no export of a module. */
  readonly locate?: (fn: unknown) => FunctionAddress
  /** Ends the hub; only in the thread that started it. */
  close?(graceMs: number): Promise<void>
}

interface Place {
  /** This is a pool thread: application modules are being loaded to run routines of them. */
  pool: boolean
  node: Node | undefined
  start: (() => Node) | undefined
  shutDown: boolean
  /** While there are simulations: the node of the simulated thread that is calling. */
  simulated: (() => Node | undefined) | undefined
  /** Whether this code runs because a module is being loaded for a routine. */
  isLoading: () => boolean
  /** Told what was refused while a module is being loaded: the load fails with it. */
  refused: (error: GoawayError) => void
}

const key = Symbol.for('goaway.place')
const globals = globalThis as { [key]?: Place }

globals[key] ??= {
  pool: Symbol.for('goaway.pool') in globalThis,
  node: undefined,
  start: undefined,
  shutDown: false,
  simulated: undefined,
  isLoading: () => false,
  refused: () => {},
}

export const place: Place = globals[key]

/**
 * The node of this thread, started if need be.
 *
 * @param what what is being done, for the message
 * @param programOnly it may not be done while a thread loads a module
 * @throws {GoawayError} ERR_GOAWAY_NOT_SPAWNER, ERR_GOAWAY_SHUTDOWN, ERR_GOAWAY_HUB_LOST
 */
export function currentNode(what: string, programOnly = true): Node {
  const simulated = place.simulated?.()
  if (simulated !== undefined) return alive(simulated)
  if (programOnly && place.pool && place.isLoading()) throw notSpawner(what)
  const { node } = place
  if (node !== undefined) return alive(node)
  if (place.shutDown || place.start === undefined) {
    throw new GoawayError(
      'ERR_GOAWAY_SHUTDOWN',
      `Cannot ${what}: shutdown() was called; call init() to start anew`,
    )
  }
  place.node = place.start()
  return place.node
}

function alive(node: Node): Node {
  if (node.client.lost !== undefined) throw node.client.lost
  return node
}

/**
 * The error for what only the program itself may do. A module that is being loaded fails with it
 * even if it catches the error, or leaves it to a promise that nobody awaits: it was about to do
 * its program's work once more in every thread.
 */
export function notSpawner(what: string): GoawayError {
  const error = new GoawayError(
    'ERR_GOAWAY_NOT_SPAWNER',
    `Cannot ${what} while a thread loads this module to run a function of it. The program's own ` +
      'part has to be left out there:\n\n' +
      "  import { isSpawner } from 'goaway'\n\n" +
      '  if (isSpawner) {\n' +
      '    // init(), goaway(...) and everything else that only the program itself does\n' +
      '  }\n',
  )
  if (place.isLoading()) place.refused(error)
  return error
}
