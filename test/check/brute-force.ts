/**
 * The models by definition, by trying everything: for a handful of operations. They know nothing of
 * how the checker goes about it.
 */
import type { HistoryOperation, Json } from '../../lib/history/format.ts'

type State = ReadonlyMap<string, Json>

const initOf = (history: readonly HistoryOperation[]): State =>
  new Map(history.filter(({ op }) => op === 'init').map(({ key, arg }) => [key, arg ?? null]))

const same = (a: Json, b: Json): boolean => JSON.stringify(a) === JSON.stringify(b)

/** The state after an operation; undefined if it cannot have answered so. */
function perform(state: State, operation: HistoryOperation): State | undefined {
  const { key, op, arg = null, exp = null, out, ok, end } = operation
  const value = state.get(key) ?? null
  const isOpen = end < 0
  const set = (next: Json): State => new Map([...state, [key, next]])
  switch (op) {
    case 'read':
      return same(value, out ?? null) ? state : undefined
    case 'write':
      return set(arg)
    case 'cas':
      if (!isOpen && ok !== same(value, exp)) return undefined
      return same(value, exp) ? set(arg) : state
    case 'add': {
      if (value !== null && typeof value !== 'number') return undefined
      const sum = (value ?? 0) + Number(arg)
      return isOpen || out === undefined || sum === out ? set(sum) : undefined
    }
    case 'delete':
      return isOpen || out === undefined || out === (value !== null) ? set(null) : undefined
    case 'acquire':
      return value === null ? set(out ?? null) : undefined
    case 'release':
      return same(value, arg) ? set(null) : undefined
    default:
      return state
  }
}

const endOf = ({ end }: HistoryOperation): number => (end < 0 ? Number.POSITIVE_INFINITY : end)

/** Some order of all operations of all fields, within real time, explains all answers. */
export function isLinearizable(history: readonly HistoryOperation[]): boolean {
  const walk = (left: readonly HistoryOperation[], state: State): boolean => {
    if (left.every(({ end }) => end < 0)) return true
    const earliestEnd = Math.min(...left.map(endOf))
    return left.some((operation, index) => {
      if (operation.start > earliestEnd) return false
      const next = perform(state, operation)
      return next !== undefined && walk(left.toSpliced(index, 1), next)
    })
  }
  return walk(operationsOf(history), initOf(history))
}

function operationsOf(history: readonly HistoryOperation[]): HistoryOperation[] {
  return history.filter(({ op, end }) => op !== 'init' && !(op === 'read' && end < 0))
}

/**
 * Some order of all operations, within each client's own, explains all answers. What a client did
 * not wait for may take effect later than what it did next.
 */
export function isSequential(history: readonly HistoryOperation[]): boolean {
  const clients = clientsOf(history).flatMap((own) => {
    const isLeft = (each: HistoryOperation): boolean => each.end < 0 && each !== own.at(-1)
    return [own.filter((each) => !isLeft(each)), ...own.filter(isLeft).map((each) => [each])]
  })
  const walk = (places: readonly number[], state: State): boolean => {
    const isDone = clients.every((own, client) =>
      own.slice(places[client]).every(({ end }) => end < 0),
    )
    if (isDone) return true
    return clients.some((own, client) => {
      const place = places[client] as number
      const operation = own[place]
      if (operation === undefined) return false
      const after = places.with(client, place + 1)
      if (operation.end < 0 && walk(after, state)) return true
      const next = perform(state, operation)
      return next !== undefined && walk(after, next)
    })
  }
  return walk(
    clients.map(() => 0),
    initOf(history),
  )
}

function clientsOf(history: readonly HistoryOperation[]): HistoryOperation[][] {
  const clients: HistoryOperation[][] = []
  for (const each of operationsOf(history).sort((a, b) => a.start - b.start)) {
    clients[each.client] ??= []
    clients[each.client]?.push(each)
  }
  return clients.filter((own) => own !== undefined)
}

/**
 * Causal convergence, of reads and unique writes: there is an order of all writes, within
 * causality, and each read returns the last in it of those in its causal past.
 */
export function isCausal(history: readonly HistoryOperation[]): boolean {
  const all = clientsOf(history).flat()
  const past = causalPast(clientsOf(history), all)
  if (all.some((_, index) => past[index]?.has(index))) return false
  const sources = all.map((read) => (read.op === 'read' ? sourceOf(read, all) : -1))
  if (sources.includes(undefined)) return false
  return orders(writesOf(all), (before, write) => past[write]?.has(before) === true).some((order) =>
    all.every((read, index) => {
      if (read.op !== 'read') return true
      const seen = order.filter((w) => past[index]?.has(w) && all[w]?.key === read.key)
      return (seen.at(-1) ?? -1) === sources[index]
    }),
  )
}

/** The write a read saw; -1: what was there before all writes; undefined: nobody wrote it. */
function sourceOf(
  { key, out = null }: HistoryOperation,
  all: readonly HistoryOperation[],
): number | undefined {
  const found = all.findIndex((each) => each.op === 'write' && each.key === key && each.arg === out)
  return found < 0 && out !== null ? undefined : found
}

const writesOf = (all: readonly HistoryOperation[]): number[] =>
  [...all.keys()].filter((index) => all[index]?.op === 'write')

function causalPast(
  clients: readonly (readonly HistoryOperation[])[],
  all: readonly HistoryOperation[],
): Set<number>[] {
  const past = all.map((operation, index) => {
    const own = clients.find((each) => each.includes(operation)) ?? []
    const before = own.slice(0, own.indexOf(operation)).map((each) => all.indexOf(each))
    const source = operation.op === 'read' ? (sourceOf(operation, all) ?? -1) : -1
    return new Set(source < 0 ? before : [...before, source, index === source ? index : source])
  })
  for (let isNew = true; isNew; ) {
    isNew = false
    for (const set of past) {
      for (const each of [...set]) {
        for (const further of past[each] ?? []) {
          if (!set.has(further)) isNew = Boolean(set.add(further))
        }
      }
    }
  }
  return past
}

/** All orders in which `precedes` holds. */
function orders(
  items: readonly number[],
  precedes: (before: number, item: number) => boolean,
): number[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, index) => {
    const rest = items.toSpliced(index, 1)
    if (rest.some((other) => precedes(other, item))) return []
    return orders(rest, precedes).map((order) => [item, ...order])
  })
}

/**
 * The promise of `Weak`: for some order of all writes, and some growing sets of what each client
 * has seen, its own and the first so many of each other client, a read returns the last of its
 * field, and a write comes after all of them.
 */
export function isFifo(history: readonly HistoryOperation[]): boolean {
  const clients = clientsOf(history)
  const all = clients.flat()
  if (all.some((read) => read.op === 'read' && sourceOf(read, all) === undefined)) return false
  const writers = clients.map((own) => own.filter(({ op }) => op === 'write'))
  const isOwn = (before: number, write: number): boolean =>
    all[before]?.client === all[write]?.client && before < write
  return orders(writesOf(all), isOwn).some((order) => {
    const ranked = order.map((index) => all[index] as HistoryOperation)
    return clients.every((own, client) => canSee(own, client, writers, ranked))
  })
}

function canSee(
  own: readonly HistoryOperation[],
  client: number,
  writers: readonly (readonly HistoryOperation[])[],
  ranked: readonly HistoryOperation[],
): boolean {
  const walk = (place: number, seen: readonly number[]): boolean => {
    const operation = own[place]
    if (operation === undefined) return true
    const written = own.slice(0, place).filter(({ op }) => op === 'write').length
    return growths(seen.with(client, written), client, writers).some((next) => {
      const visible = writers.flatMap((each, index) => each.slice(0, next[index]))
      const rank = (write: HistoryOperation): number => ranked.indexOf(write)
      if (operation.op === 'write') {
        return visible.every((each) => rank(each) < rank(operation)) && walk(place + 1, next)
      }
      const same = visible.filter(({ key }) => key === operation.key)
      const last = same.sort((a, b) => rank(a) - rank(b)).at(-1)
      return (last?.arg ?? null) === (operation.out ?? null) && walk(place + 1, next)
    })
  }
  return walk(
    0,
    writers.map(() => 0),
  )
}

/** All sets that are at least as large, in the number of writes of each other client. */
function growths(
  seen: readonly number[],
  client: number,
  writers: readonly (readonly HistoryOperation[])[],
): number[][] {
  let all: number[][] = [[]]
  for (const [index, own] of writers.entries()) {
    const from = seen[index] as number
    const to = index === client ? from : own.length
    const counts = Array.from({ length: to - from + 1 }, (_, more) => from + more)
    all = all.flatMap((each) => counts.map((count) => [...each, count]))
  }
  return all
}
