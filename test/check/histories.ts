/** Histories made by hand and by chance. */
import type { HistoryOperation, Json } from '../../lib/history/format.ts'

type Given = Partial<HistoryOperation> & Pick<HistoryOperation, 'op'>

/** An operation on `s.x` of a strict object, in which only what matters is given. */
export function operation(given: Given): HistoryOperation {
  const isLock = given.op === 'acquire' || given.op === 'release'
  return {
    client: 0,
    kind: isLock ? 'lock' : 'reg',
    store: isLock ? 'lock' : 'strict',
    key: isLock ? 'l' : 's.x',
    ok: true,
    start: 0,
    end: 0,
    ...given,
  }
}

/** Chance from a seed (mulberry32), so that a failure can be had again. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0, below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }
}

export interface RandomOptions {
  readonly clients: number
  readonly operations: number
  readonly keys: readonly string[]
  readonly kinds: readonly HistoryOperation['op'][]
  /** Chance that an operation is never answered. */
  readonly lost: number
  /** Chance that an answer is false. */
  readonly lies: number
  /** Each write has a value of its own. */
  readonly isUnique: boolean
}

interface Pending {
  readonly index: number
  readonly operation: HistoryOperation
  isDone: boolean
  readonly isLost: boolean
  answer: Partial<HistoryOperation>
}

/**
 * A history of operations that take effect at once, somewhere in their interval; some answers are
 * lies, so that about as many histories are illegal as not.
 */
export function randomHistory(chance: Chance, options: RandomOptions): HistoryOperation[] {
  const state = new Map<string, Json>()
  const history: HistoryOperation[] = []
  const pending: (Pending | undefined)[] = Array.from({ length: options.clients })
  let begun = 0
  for (let time = 1; begun < options.operations || pending.some(Boolean); time += 1) {
    const client = chance.below(options.clients)
    const own = pending[client]
    if (own === undefined) {
      if (begun === options.operations) continue
      begun += 1
      const index = history.length
      const isLost = chance.next() < options.lost
      const made = randomOperation(chance, options, client, begun)
      pending[client] = {
        index,
        operation: { ...made, start: time },
        isDone: false,
        isLost,
        answer: {},
      }
      history.push(made)
    } else if (!own.isDone) {
      own.answer = effect(state, own.operation, !own.isLost || chance.next() < 0.5)
      own.isDone = true
    } else {
      const { isLost } = own
      const answered = isLost ? {} : lie(chance, options, own.answer)
      history[own.index] = { ...own.operation, ...answered, end: isLost ? -1 : time }
      pending[client] = undefined
    }
  }
  return history.filter(({ op, end }) => !(op === 'read' && end < 0))
}

function randomOperation(
  chance: Chance,
  { keys, kinds, isUnique }: RandomOptions,
  client: number,
  serial: number,
): HistoryOperation {
  const op = chance.of(kinds)
  const base = { client, op, key: chance.of(keys) }
  const value = isUnique ? serial : 1 + chance.below(2)
  if (op === 'write') return operation({ ...base, arg: value })
  if (op === 'add') return operation({ ...base, arg: 1 + chance.below(2) })
  if (op === 'cas') return operation({ ...base, exp: chance.of([null, 1, 2]), arg: value })
  return operation(base)
}

/** What an operation answers, and does: a lost one may do nothing. */
function effect(
  state: Map<string, Json>,
  { op, key, arg = null, exp = null }: HistoryOperation,
  isReal: boolean,
): Partial<HistoryOperation> {
  const value = state.get(key) ?? null
  const set = (next: Json): void => {
    if (isReal) state.set(key, next)
  }
  if (op === 'read') return { out: value }
  if (op === 'write') set(arg)
  if (op === 'cas') {
    if (value === exp) set(arg)
    return { ok: value === exp }
  }
  if (op === 'add') {
    const sum = Number(value ?? 0) + Number(arg)
    set(sum)
    return { out: sum }
  }
  if (op === 'delete') {
    set(null)
    return { out: value !== null }
  }
  return {}
}

function lie(
  chance: Chance,
  { lies, operations, isUnique }: RandomOptions,
  answer: Partial<HistoryOperation>,
): Partial<HistoryOperation> {
  if (chance.next() >= lies) return answer
  if (answer.ok !== undefined) return { ok: !answer.ok }
  if (typeof answer.out === 'boolean') return { out: !answer.out }
  if (answer.out === undefined) return answer
  const wrong = isUnique ? 1 + chance.below(operations) : chance.of([null, 1, 2, 3])
  return { out: wrong }
}

/** One operation a line, as in a file. */
export function show(history: readonly HistoryOperation[]): string {
  return history.map((each) => JSON.stringify(each)).join('\n')
}

/** Reads of anything that anybody ever writes, one operation after the other; writes are unique. */
export function randomReads(
  chance: Chance,
  { clients, operations, fields }: Readonly<Record<'clients' | 'fields' | 'operations', number>>,
): HistoryOperation[] {
  const made = Array.from({ length: operations }, (_, index) => {
    const op = chance.next() < 0.45 ? ('write' as const) : ('read' as const)
    const key = `s.${'xyz'[chance.below(fields)]}`
    const base = { client: chance.below(clients), key, start: 2 * index, end: 2 * index + 1 }
    return operation(op === 'write' ? { ...base, op, arg: index + 1 } : { ...base, op })
  })
  return made.map((each) => {
    if (each.op === 'write') return each
    const writes = made.filter(({ op, key }) => op === 'write' && key === each.key)
    return { ...each, out: chance.of([null, ...writes.map(({ arg }) => arg ?? null)]) }
  })
}
