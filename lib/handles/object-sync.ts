/**
 * The methods of handles that block: those of the asynchronous handle, answered at once. The
 * calling thread sleeps until its hub has answered. `object-proxy.ts` makes properties of them.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Node } from '../client/current.ts'
import type { BlockingLimit } from '../client/hub-client.ts'
import { currentScope } from '../client/scope.ts'
import type {
  Answer,
  EncodedValue,
  EntryRow,
  FieldState,
  StrictOperation,
  WriteOutcome,
} from '../wire/messages.ts'
import type { FieldRead } from './field-read.ts'
import type { FieldOf } from './object.ts'
import { waitArguments } from './object.ts'
import type { ObjectCore } from './object-core.ts'
import { beginWrite, type FieldChange, recordBlocking } from './recorded.ts'
import {
  blockingLimit,
  checkSignal,
  checkWaitOptions,
  deadlineOf,
  type WaitOptions,
} from './wait.ts'

/** The methods of a blocking handle. See {@link AsyncObject} for what each does. */
export interface SyncMethods<T extends object> {
  get<K extends FieldOf<T>>(field: K): T[K]
  set<K extends FieldOf<T>>(field: K, value: T[K]): void
  update<K extends FieldOf<T>>(field: K, change: (value: T[K]) => T[K]): T[K]
  add<K extends FieldOf<T>>(field: K, delta?: number): number
  compareAndSet<K extends FieldOf<T>>(field: K, expected: T[K] | undefined, value: T[K]): boolean
  delete<K extends FieldOf<T>>(field: K): boolean
  has(field: FieldOf<T>): boolean
  keys(): FieldOf<T>[]
  entries(): [FieldOf<T>, T[FieldOf<T>]][]
  snapshot(): Readonly<T>
  waitFor<K extends FieldOf<T>>(
    field: K,
    until?: (value: T[K]) => boolean,
    options?: WaitOptions,
  ): T[K]
  waitFor<K extends FieldOf<T>>(field: K, options: WaitOptions): T[K]
  watch<K extends FieldOf<T>>(field: K): IterableIterator<T[K] | undefined>
}

/**
 * The one place where blocking handles obtain a field's value as it stands: from the memory of the
 * thread's node where that has it, else from the hub. What comes after a version that is known is
 * obtained in {@link readChange}.
 */
export function readField(core: ObjectCore, field: string, isRecorded = true): FieldRead {
  core.checkField(field)
  const own = core.buffered(field)
  if (own !== undefined) return own
  // The node first: what is known of another one counts for nothing.
  const node = core.node('read', true)
  const recorded = isRecorded ? core.beginRead(node, field) : undefined
  const read = readHere(core, node, field) ?? askForField(core, node, field)
  recorded?.seen(read)
  return read
}

function readHere(core: ObjectCore, node: Node, field: string): FieldRead | undefined {
  const local = core.local(node)
  for (;;) {
    const read = local.read(field, core.known(field))
    // A cell is read again and again: what is kept has to be its own.
    if (read !== undefined) return { version: read.version, value: read.value }
    const wanted = local.wants(field)
    if (wanted === undefined) return undefined
    const answer = node.client.askBlocking(currentScope().owner, wanted)
    if (!local.provide(wanted, answer)) return undefined
  }
}

/** What would end a wait at once, if this thread need not ask for it. */
function readAlone(
  core: ObjectCore,
  field: string,
  until: (value: unknown) => boolean,
): FieldRead | undefined {
  const node = core.node('wait for', true)
  const recorded = core.beginRead(node, field)
  const read = readHere(core, node, field)
  if (read === undefined || !until(read.value)) return undefined
  recorded?.seen(read)
  return read
}

function askForField(core: ObjectCore, node: Node, field: string): FieldRead {
  const known = core.known(field)
  const operation = ['get', core.name, field, known?.version ?? 0] as const
  const state = node.client.askBlocking(currentScope().owner, core.wrap(operation))
  return core.decode(field, state as FieldState, known)
}

/** The field once its version is not the one seen. */
function readChange(
  core: ObjectCore,
  field: string,
  seen: number,
  limit?: BlockingLimit,
): FieldChange {
  const node = core.node('wait for', true)
  const operation = ['wait', core.name, field, seen] as const
  const recorded = core.beginRead(node, field)
  const state = node.client.askBlocking(currentScope().owner, core.wrap(operation), limit)
  return { ...core.decode(field, state as FieldState), recorded }
}

export class BlockingMethods {
  readonly #core: ObjectCore

  constructor(core: ObjectCore) {
    this.#core = core
  }

  #ask(what: string, operation: StrictOperation, replaced?: FieldRead): Answer {
    const core = this.#core
    const { client, recorder } = core.node(what, true)
    const scope = currentScope()
    const wrapped = core.wrap(operation)
    if (recorder === undefined) return client.askBlocking(scope.owner, wrapped)
    const recording = beginWrite(recorder, scope, core.recordedStore, operation, replaced)
    const ask = () => client.askBlocking(scope.owner, wrapped)
    return recording === undefined ? ask() : recordBlocking(recording, operation, ask)
  }

  get(field: string): unknown {
    const core = this.#core
    // The usual case: what this thread has decoded is still so.
    const read = core.quick(field)
    return read === undefined ? readField(core, field).value : read.value
  }

  has(field: string): boolean {
    return readField(this.#core, field).version !== 0
  }

  set(field: string, value: unknown): void {
    const core = this.#core
    core.checkField(field)
    this.#ask('write', ['set', core.name, field, core.encode(field, value), core.fences()])
  }

  add(field: string, delta = 1): number {
    const core = this.#core
    core.checkField(field)
    if (typeof delta !== 'number') throw new TypeError(`add() takes a number: ${typeof delta}`)
    const answer = this.#ask('add to', ['add', core.name, field, delta, core.fences()])
    return (answer as WriteOutcome)[2] as number
  }

  delete(field: string): boolean {
    const core = this.#core
    core.checkField(field)
    return this.#ask('write', ['delete', core.name, field, core.fences()]) as boolean
  }

  keys(): string[] {
    const core = this.#core
    const names = this.#ask('read', ['keys', core.name]) as readonly string[]
    return core.listKeys(names, core.allBuffered())
  }

  entries(): [string, unknown][] {
    const core = this.#core
    const rows = this.#ask('read', ['entries', core.name]) as readonly EntryRow[]
    return core.listEntries(rows, core.allBuffered())
  }

  snapshot(): object {
    return Object.freeze(Object.fromEntries(this.entries()))
  }

  update(field: string, change: (value: unknown) => unknown): unknown {
    if (typeof change !== 'function') {
      throw new TypeError(`update() takes a function: ${typeof change}`)
    }
    const core = this.#core
    let read = readField(core, field, false)
    for (;;) {
      const encoded = core.encode(field, change(read.value))
      const [done, version, current] = this.#replace(field, read, encoded)
      read = { version, value: core.decodeValue(field, version, current) }
      if (done) return read.value
    }
  }

  compareAndSet(field: string, expected: unknown, value: unknown): boolean {
    const core = this.#core
    core.checkField(field)
    const encoded = core.encode(field, value)
    const simple = core.encodeInline(expected)
    if (simple !== undefined) {
      const { name } = core
      const fences = core.fences()
      const operation = ['compareAndSet', name, field, simple.inline, encoded, fences] as const
      return (this.#ask('write', operation) as WriteOutcome)[0]
    }
    const own = core.ownCopy(field, expected)
    let recorded = core.beginRead(core.node('write', true), field)
    let read = readField(core, field, false)
    while (isDeepStrictEqual(read.value, own)) {
      recorded = core.beginRead(core.node('write', true), field)
      const [done, version, current] = this.#replace(field, read, encoded)
      if (done) return true
      read = { version, value: core.decodeValue(field, version, current) }
    }
    recorded?.differs(own, encoded)
    return false
  }

  #replace(field: string, read: FieldRead, value: EncodedValue): WriteOutcome {
    const core = this.#core
    const operation = ['replace', core.name, field, read.version, value, core.fences()] as const
    return this.#ask('write', operation, read) as WriteOutcome
  }

  waitFor(
    field: string,
    untilOrOptions?: ((value: unknown) => boolean) | WaitOptions,
    options: WaitOptions = {},
  ): unknown {
    const core = this.#core
    core.checkField(field)
    const [until, limits] = waitArguments(untilOrOptions, options)
    const what = `waitFor('${field}') of ${core}`
    checkWaitOptions(what, limits)
    checkSignal(what, limits)
    const here = readAlone(core, field, until)
    if (here !== undefined) return here.value
    const deadline = deadlineOf(limits)
    let seen = -1
    for (;;) {
      checkSignal(what, limits)
      const read = readChange(core, field, seen, blockingLimit(what, deadline))
      if (until(read.value)) {
        read.recorded?.seen(read)
        return read.value
      }
      seen = read.version
    }
  }

  watch(field: string): IterableIterator<unknown> {
    this.#core.checkField(field)
    return changes(this.#core, field)
  }

  toJSON(): object {
    return this.snapshot()
  }
}

function* changes(core: ObjectCore, field: string): IterableIterator<unknown> {
  let seen = -1
  for (;;) {
    const first = seen === -1
    const read = readChange(core, field, seen)
    seen = read.version
    if (first && read.version === 0) continue
    read.recorded?.seen(read)
    yield read.value
  }
}
