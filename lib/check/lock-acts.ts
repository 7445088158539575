/**
 * Locks as the searches see them. A tenure is named by its token if the history tells tokens, else
 * by the line that begins it. What was never given back counts as taken back by the system, at some
 * moment: a lease ended, or a process that held it was gone.
 */
import type { Act, Entry } from './act.ts'
import { unknownValue } from './act.ts'

export function lockActsOf(entries: readonly Entry[]): Act[] {
  const acts: Act[] = []
  /** The tenure that each client began last, while nothing has ended it. */
  const open = new Map<number, Act>()
  const inOrder = entries.toSorted((a, b) => a.operation.start - b.operation.start)
  for (const entry of inOrder) {
    const { client, op, end } = entry.operation
    const held = open.get(client)
    if (op === 'release') {
      const token = tokenOf(entry)
      const tenure = token === undefined ? (held?.tenure ?? 'none') : `token ${token}`
      acts.push(lockAct(entry, 'release', tenure))
      for (const each of open.values()) if (each.tenure === tenure) open.delete(each.client)
    } else if (end >= 0) {
      // Without an answer it was granted to nobody who knows of it: the system took it back.
      const token = tokenOf(entry)
      const tenure = token === undefined ? `line ${entry.line}` : `token ${token}`
      const act = lockAct(entry, 'acquire', tenure)
      if (held !== undefined) acts.push(systemRelease(held))
      acts.push(act)
      open.set(client, act)
    }
  }
  acts.push(...[...open.values()].map(systemRelease))
  return acts
}

function tokenOf({ operation }: Entry): number | undefined {
  const token = operation.op === 'acquire' ? operation.out : operation.arg
  return typeof token === 'number' ? token : undefined
}

function lockAct(entry: Entry, kind: 'acquire' | 'release', tenure: string): Act {
  const { client, start, end } = entry.operation
  return {
    entry,
    kind,
    client,
    start,
    end: end < 0 ? Number.POSITIVE_INFINITY : end,
    value: tokenOf(entry) ?? unknownValue,
    expected: unknownValue,
    delta: 0,
    wasThere: undefined,
    tenure,
    isSystem: false,
  }
}

function systemRelease(acquire: Act): Act {
  const { end } = acquire
  return { ...acquire, kind: 'release', start: end, end: Number.POSITIVE_INFINITY, isSystem: true }
}
