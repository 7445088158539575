/** Judges the answers that clients of one field saw, without a look at the master. */
import type { StrictOperation } from '../../lib/wire/messages.ts'
import type { HistoryEvent } from './hub-model.ts'
import type { Completed } from './linearizable.ts'
import { isLinearizable } from './linearizable.ts'

/** One field, of which only the value counts; versions are left to the monitor. */
export function register(value: unknown, operation: StrictOperation): readonly [unknown, string] {
  switch (operation[0]) {
    case 'set':
      return [operation[3], 'set']
    case 'add': {
      const sum = Number(value ?? 0) + operation[3]
      return [sum, `add ${sum}`]
    }
    case 'compareAndSet': {
      const matches = Object.is(value, operation[3])
      return [matches ? operation[4] : value, `compareAndSet ${matches}`]
    }
    case 'delete':
      return [undefined, `delete ${value !== undefined}`]
    default:
      return [value, `get ${value}`]
  }
}

function answerWord(operation: StrictOperation, answer: unknown): string {
  const parts = Array.isArray(answer) ? answer : [answer]
  if (operation[0] === 'set') return 'set'
  if (operation[0] === 'compareAndSet' || operation[0] === 'delete') {
    return `${operation[0]} ${parts[0]}`
  }
  if (operation[0] === 'add') return `add ${parts[2]}`
  return `${operation[0]} ${parts[1]}`
}

/** Positions in the list of events are the times: the finest that there are. */
export function isLinearizableHistory(events: readonly HistoryEvent[]): boolean {
  const done: Completed<StrictOperation>[] = []
  const open = new Map<number, Completed<StrictOperation>>()
  for (const [time, [kind, client, what]] of events.entries()) {
    const call = open.get(client)
    if (kind === 'call') {
      const operation = what as StrictOperation
      open.set(client, { operation, answer: null, start: time, end: Infinity })
    } else if (call !== undefined) {
      open.delete(client)
      done.push({ ...call, answer: answerWord(call.operation, what), end: time })
    }
  }
  return isLinearizable([...done, ...open.values()], undefined, register)
}
