/**
 * Nodes with `LinFastRead` machines whose messages a test delivers as it likes: one, some, or all
 * in the order in which they were sent.
 */
import {
  type LinFastReadInput,
  type LinFastReadMessage,
  type LinFastReadOutput,
  type LinFastReadState,
  linFastRead,
} from '../../lib/protocol/lin-fast-read.ts'
import type { StrictOperation } from '../../lib/wire/messages.ts'

export interface Sent {
  readonly from: number
  readonly to: number
  readonly message: LinFastReadMessage
}

export class Stage {
  readonly nodes: LinFastReadState[] = []
  /** Nodes whose lease is over. */
  readonly over = new Set<number>()
  sent: Sent[] = []
  /** How many messages there were. */
  count = 0
  /** What the calls of each node were told, as `place/call: answer`. */
  readonly told: string[] = []
  readonly cells: string[] = []
  readonly #founders: number
  readonly #placement: 'first' | 'hash'
  #calls = 0

  constructor(founders: number, placement: 'first' | 'hash' = 'first') {
    this.#founders = founders
    this.#placement = placement
    for (let place = 0; place <= founders; place += 1) this.add(place)
  }

  /** Nodes with their first view. */
  static of(founders: number, placement: 'first' | 'hash' = 'first'): Stage {
    const stage = new Stage(founders, placement)
    const all = stage.nodes.map((_, place) => place)
    stage.view(1, all)
    return stage
  }

  add(place: number): void {
    const parameters = { place, founders: this.#founders, placement: this.#placement }
    this.nodes[place] = linFastRead.initial(parameters)
  }

  view(epoch: number, members: readonly number[], to: readonly number[] = members): void {
    for (const place of to) {
      this.step(place, { type: 'view', view: { epoch, members }, mayServe: this.#mayServe(place) })
    }
  }

  /** @returns the number of the call */
  ask(place: number, operation: StrictOperation, client = 1): number {
    this.#calls += 1
    const call = this.#calls
    const rest = { client, call, owner: 0, thread: 0, blocking: false }
    const mayServe = this.#mayServe(place)
    this.step(place, { type: 'request', ...rest, operation, mayServe })
    return call
  }

  /** What the call was told; `undefined`: nothing yet. */
  answer(call: number): string | undefined {
    const mark = `${call}: `
    return this.told.find((line) => line.startsWith(mark))?.slice(mark.length)
  }

  /** Asks, and delivers everything. */
  run(place: number, operation: StrictOperation): string | undefined {
    const call = this.ask(place, operation)
    this.deliver()
    return this.answer(call)
  }

  step(place: number, input: LinFastReadInput): void {
    const state = this.nodes[place] as LinFastReadState
    for (const output of linFastRead.step(state, input)) this.#perform(place, output)
  }

  /** Delivers all that is wanted, and what comes of it; the rest stays. */
  deliver(wanted: (sent: Sent) => boolean = () => true): void {
    for (;;) {
      const at = this.sent.findIndex(wanted)
      const [next] = at < 0 ? [] : this.sent.splice(at, 1)
      if (next === undefined) return
      const { from, to, message } = next
      const mayServe = this.#mayServe(to)
      this.step(to, { type: 'message', from, message, mayServe })
    }
  }

  #mayServe(place: number): boolean {
    return !this.over.has(place)
  }

  #perform(place: number, output: LinFastReadOutput): void {
    switch (output.type) {
      case 'send':
        this.count += 1
        this.sent.push({ from: place, to: output.to, message: output.message })
        return
      case 'answer':
        this.told.push(`${output.call}: ${JSON.stringify(output.answer)}`)
        return
      case 'refuse': {
        const maybe = output.maybeExecuted ? ' maybe' : ''
        this.told.push(`${output.call}: ${output.code}${maybe}`)
        return
      }
      case 'cell': {
        const { object, field, state, isValid } = output
        const shown = `${object}.${field} ${JSON.stringify(state)}`
        this.cells.push(`${place} ${shown} ${isValid ? 'valid' : 'invalid'}`)
      }
    }
  }
}

/** Messages of one kind. */
export function kind(...names: LinFastReadMessage[0][]): (sent: Sent) => boolean {
  return ({ message }) => names.includes(message[0])
}

export function to(...places: number[]): (sent: Sent) => boolean {
  return (sent) => places.includes(sent.to)
}
