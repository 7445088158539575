/** The default executor of a thread: hands routines to the hub. */
import type { Executor, Task } from '../executor/contract.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { RoutineTerms } from '../wire/messages.ts'
import type { HubClient } from './hub-client.ts'
import type { RoutineTable } from './routine-table.ts'

/** Terms that have been sent are kept as long as they are; beyond that they are sent anew. */
const termsMax = 1024

export class PortExecutor implements Executor {
  readonly #client: HubClient
  readonly #functions = new Map<string, number>()
  readonly #terms = new Map<RoutineTerms, number>()
  #nextTerms = 0

  constructor(client: HubClient, table: RoutineTable) {
    this.#client = client
    client.on('result', (message) => {
      if (message[0] === 'result') table.settled(message[1], { ok: true, payload: message[2] })
    })
    client.on('failure', (message) => {
      if (message[0] === 'failure') table.settled(message[1], { ok: false, error: message[2] })
    })
    client.on('started', (message) => {
      if (message[0] === 'started') table.started(message[1], message[2], message[3], message[4])
    })
    client.on('value', (message) => {
      if (message[0] === 'value') table.value(message[1], message[2])
    })
  }

  submit(task: Task): void {
    const { address, terms } = task
    let fn = this.#functions.get(address.key)
    if (fn === undefined) {
      fn = this.#functions.size
      this.#functions.set(address.key, fn)
      this.#client.send(['function', fn, address])
    }
    const { routine, owner, payload } = task
    this.#client.send(['submit', routine, owner, fn, this.#termsOf(terms), payload])
  }

  /** Most routines have the same few terms: those are sent once. */
  #termsOf(terms: RoutineTerms): number {
    const known = this.#terms.get(terms)
    if (known !== undefined) return known
    if (this.#terms.size >= termsMax) this.#terms.clear()
    const id = this.#nextTerms++ % termsMax
    this.#terms.set(terms, id)
    this.#client.send(['terms', id, terms])
    return id
  }

  cancel(routine: number, reason: ErrorRecord, graceMs: number): void {
    this.#client.send(['cancel', routine, reason, graceMs])
  }

  credit(routine: number, values: number): void {
    this.#client.send(['credit', routine, values])
  }

  finish(routine: number): void {
    this.#client.send(['finish', routine])
  }

  async close(): Promise<void> {}
}
