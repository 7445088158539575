/**
 * What strict objects mean, said in the plainest way and in other words than
 * lib/protocol/strict.ts: one list of fields, one list of waits, every wait looked at after every
 * request.
 */
import type { EncodedValue, StrictOperation } from '../../lib/wire/messages.ts'

export interface Reference {
  readonly fields: { object: string; name: string; version: number; value: EncodedValue }[]
  readonly versions: Map<string, number>
  readonly initialised: Set<string>
  waits: { client: number; call: number; object: string; name: string; seen: number }[]
}

export interface Asked {
  readonly client: number
  readonly call: number
  readonly operation: StrictOperation
}

/** `[client, call, answer]`, `[client, call, code]` or `[client, call, 'parked']`. */
export type Expected = readonly [client: number, call: number, outcome: unknown]

export function emptyReference(): Reference {
  return { fields: [], versions: new Map(), initialised: new Set(), waits: [] }
}

export function ask(
  reference: Reference,
  asked: Asked,
  holders: ReadonlyMap<string, number>,
): Expected[] {
  const { client, call, operation } = asked
  if (operation[0] === 'wait') {
    const [, object, name, seen] = operation
    const [version, value] = read(reference, object, name)
    if (version !== seen) return [[client, call, [version, value]]]
    reference.waits.push({ client, call, object, name, seen })
    return [[client, call, 'parked']]
  }
  const outcome = perform(reference, operation, holders)
  const expected: Expected[] = call === 0 ? [] : [[client, call, outcome]]
  reference.waits = reference.waits.filter((wait) => {
    const [version, value] = read(reference, wait.object, wait.name)
    if (version === wait.seen) return true
    expected.push([wait.client, wait.call, [version, value]])
    return false
  })
  return expected
}

export function forgetWaits(reference: Reference, client: number, call: number | null): void {
  reference.waits = reference.waits.filter(
    (wait) => wait.client !== client || (call !== null && wait.call !== call),
  )
}

function perform(
  reference: Reference,
  operation: StrictOperation,
  holders: ReadonlyMap<string, number>,
): unknown {
  if (isStale(operation, holders)) return 'ERR_GOAWAY_STALE_TOKEN'
  const object = operation[1]
  if (operation[0] === 'keys' || operation[0] === 'entries' || operation[0] === 'wait') return null
  if (operation[0] === 'init') {
    for (const [name, value] of operation[2]) {
      const isNew = !reference.initialised.has(`${object}.${name}`)
      reference.initialised.add(`${object}.${name}`)
      if (isNew && read(reference, object, name)[0] === 0) write(reference, object, name, value)
    }
    return null
  }
  const name = operation[2]
  const [version, value] = read(reference, object, name)
  switch (operation[0]) {
    case 'get':
      return version !== 0 && version === operation[3] ? [version] : [version, value]
    case 'set':
      return write(reference, object, name, operation[3])
    case 'add': {
      if (version !== 0 && typeof value !== 'number') return 'ERR_GOAWAY_NOT_A_NUMBER'
      const sum = (version === 0 ? 0 : (value as number)) + operation[3]
      return [true, write(reference, object, name, sum), sum]
    }
    case 'compareAndSet':
      if (!Object.is(value, operation[3])) return [false, version, value]
      return [true, write(reference, object, name, operation[4]), operation[4]]
    case 'replace':
      if (version !== operation[3]) return [false, version, value]
      return [true, write(reference, object, name, operation[4]), operation[4]]
    case 'delete': {
      const index = indexOf(reference, object, name)
      if (index >= 0) reference.fields.splice(index, 1)
      return index >= 0
    }
  }
}

function isStale(operation: StrictOperation, holders: ReadonlyMap<string, number>): boolean {
  const isWrite = !['init', 'get', 'keys', 'entries', 'wait'].includes(operation[0])
  const fences = isWrite ? (operation.at(-1) as [string, number][] | null) : null
  return (fences ?? []).some(([lock, token]) => holders.get(lock) !== token)
}

function indexOf(reference: Reference, object: string, name: string): number {
  return reference.fields.findIndex((field) => field.object === object && field.name === name)
}

function read(reference: Reference, object: string, name: string): [number, EncodedValue] {
  const field = reference.fields[indexOf(reference, object, name)]
  return field === undefined ? [0, undefined] : [field.version, field.value]
}

function write(reference: Reference, object: string, name: string, value: EncodedValue): number {
  const version = (reference.versions.get(object) ?? 0) + 1
  reference.versions.set(object, version)
  const field = reference.fields[indexOf(reference, object, name)]
  if (field === undefined) reference.fields.push({ object, name, version, value })
  else Object.assign(field, { version, value })
  return version
}
