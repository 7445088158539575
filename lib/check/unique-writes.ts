/**
 * What `causal` and `fifo` ask of a history: that each value tells which write it came from, and
 * that nothing both looks and writes.
 */
import { badLine } from '../history/format.ts'
import type { Entry } from './act.ts'
import { groupBy } from './group-by.ts'
import { fieldOf } from './read-history.ts'
import { canonicalText } from './value-numbers.ts'

/** @throws {GoawayError} ERR_GOAWAY_HISTORY, naming the line */
export function refuseAmbiguity(entries: readonly Entry[], model: string): void {
  for (const own of groupBy(entries, fieldOf).values()) {
    refuseSwaps(own, model)
    if (own.some(({ operation }) => operation.op === 'add')) refuseMixed(own, model)
    else refuseEqualWrites(own, model)
  }
}

function refuseSwaps(entries: readonly Entry[], model: string): void {
  for (const { line, operation } of entries) {
    // One that nobody saw answered is a write that may have been.
    if (operation.op !== 'cas' || operation.end < 0) continue
    throw badLine(line, `${model} has no meaning for it: cas of ${operation.key}`)
  }
}

function refuseMixed(entries: readonly Entry[], model: string): void {
  const other = entries.find(({ operation: { op } }) => !['init', 'read', 'add'].includes(op))
  if (other === undefined) return
  const { op, key } = other.operation
  throw badLine(other.line, `${model} has no meaning for add and ${op} on one field: ${key}`)
}

function refuseEqualWrites(entries: readonly Entry[], model: string): void {
  const writers = new Map<string, Entry>()
  const init = entries.find(({ operation }) => operation.op === 'init')
  const isAbsentFirst = (init?.operation.arg ?? null) === null
  if (init !== undefined) writers.set(canonicalText(init.operation.arg ?? null), init)
  for (const entry of entries) {
    const { op, arg = null, key } = entry.operation
    if (op !== 'write' && op !== 'cas') continue
    const text = canonicalText(arg)
    const other = writers.get(text)
    if (other !== undefined) {
      const same = `${text} of ${key}, as line ${other.line} does`
      throw badLine(entry.line, `${model} needs unique writes, and it writes ${same}`)
    }
    writers.set(text, entry)
  }
  const deletes = entries.filter(({ operation }) => operation.op === 'delete')
  const second = deletes[isAbsentFirst ? 0 : 1]
  const reader = entries.find(
    ({ operation: { op, out = null, end } }) => op === 'read' && end >= 0 && out === null,
  )
  if (second === undefined || reader === undefined) return
  const why = `line ${reader.line} reads that it is absent, which came about more than once`
  throw badLine(second.line, `${model} needs unique writes, and ${why}: ${second.operation.key}`)
}
