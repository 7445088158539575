/**
 * What the models without real time look at: each client's acts in their order, and for each read
 * the write it saw. Values are unique, so there is one at most.
 */
import { type Act, isOpenAct } from './act.ts'
import { groupBy } from './group-by.ts'
import { fieldOf } from './read-history.ts'

/** An act, numbered among all, with its place. */
export interface Step {
  readonly act: Act
  readonly index: number
  /** Number of its client, from 0 without gaps. */
  readonly client: number
  /** Place among its client's acts, from 0. */
  readonly place: number
  /** Number of its field, from 0 without gaps. */
  readonly field: number
}

export interface ClientOrder {
  readonly steps: readonly Step[]
  /** Steps of each client, in its order. */
  readonly clients: readonly (readonly Step[])[]
  readonly fieldCount: number
}

/**
 * One that its client did not wait for may take effect later than what the client did next: it
 * has a client of its own.
 */
export function clientOrderOf(acts: readonly Act[]): ClientOrder {
  const fields = new Map<string, number>()
  const steps: Step[] = []
  const clients: Step[][] = []
  const addClient = (own: readonly Act[]): void => {
    const client = clients.length
    const made = own.map((act, place) => {
      const name = fieldOf(act.entry)
      const field = fields.get(name) ?? fields.size
      fields.set(name, field)
      return { act, index: steps.length + place, client, place, field }
    })
    clients.push(made)
    steps.push(...made)
  }
  for (const own of groupBy(acts, ({ client }) => client).values()) {
    const inOrder = own.toSorted((a, b) => a.start - b.start || a.entry.line - b.entry.line)
    const isLeft = (act: Act): boolean => isOpenAct(act) && act !== inOrder.at(-1)
    addClient(inOrder.filter((act) => !isLeft(act)))
    for (const act of inOrder.filter(isLeft)) addClient([act])
  }
  return { steps, clients, fieldCount: fields.size }
}

export function writes({ act }: Step): boolean {
  return act.kind === 'write' || act.kind === 'remove' || act.kind === 'swap'
}

/**
 * For each client, the places at which it writes a field, so that its latest write before some
 * place is found.
 */
export class WritePlaces {
  readonly #places: readonly (readonly number[][])[]

  constructor({ clients, fieldCount }: ClientOrder, isWrite: (step: Step) => boolean) {
    this.#places = clients.map((steps) => {
      const fields: number[][] = Array.from({ length: fieldCount }, () => [])
      for (const step of steps) if (isWrite(step)) fields[step.field]?.push(step.place)
      return fields
    })
  }

  /** The client's last write of a field among its first `count` acts; -1 if there is none. */
  latest(client: number, field: number, count: number): number {
    const places = this.#places[client]?.[field] ?? []
    return places[before(places, count) - 1] ?? -1
  }

  /** The client's first write of a field from a place on; -1 if there is none. */
  earliest(client: number, field: number, from: number): number {
    const places = this.#places[client]?.[field] ?? []
    return places[before(places, from)] ?? -1
  }
}

/** How many of these ascending numbers are less. */
function before(numbers: readonly number[], bound: number): number {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((numbers[middle] as number) < bound) low = middle + 1
    else high = middle
  }
  return low
}
