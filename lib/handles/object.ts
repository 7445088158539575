/** Handles of objects that never block: every method returns a promise. */
import { inspect, isDeepStrictEqual } from 'node:util'
import type { Node } from '../client/current.ts'
import { currentScope } from '../client/scope.ts'
import type {
  Answer,
  EncodedValue,
  EntryRow,
  Fences,
  FieldState,
  StrictOperation,
  WriteOutcome,
} from '../wire/messages.ts'
import { fieldOrder } from './field-order.ts'
import type { FieldRead } from './field-read.ts'
import { FieldWatch } from './field-watch.ts'
import { handleMark, type ObjectCore } from './object-core.ts'
import { beginWrite, type FieldChange, recordAnswer } from './recorded.ts'
import { askWithin, checkWaitOptions, type Deadline, deadlineOf, type WaitOptions } from './wait.ts'

/** Names of fields, as strings. */
export type FieldOf<T> = Extract<keyof T, string>

/** A shared object whose methods return promises. Values that are plain data come back frozen. */
export interface AsyncObject<T extends object> {
  /** The name all threads know it by. */
  readonly name: string
  /** The value of a field, `undefined` if it is absent. */
  get<K extends FieldOf<T>>(field: K): Promise<T[K]>
  /** Writes a field. */
  set<K extends FieldOf<T>>(field: K, value: T[K]): Promise<void>
  /**
   * Replaces a field's value by what `change` makes of it, atomically: `change` runs here, and
   * again if another write came first, so it should do nothing else. Resolves to the new value.
   */
  update<K extends FieldOf<T>>(field: K, change: (value: T[K]) => T[K]): Promise<T[K]>
  /**
   * Adds to a number, atomically and in one message; an absent field counts as 0. Resolves to the
   * sum.
   */
  add<K extends FieldOf<T>>(field: K, delta?: number): Promise<number>
  /**
   * Writes `value` if the field equals `expected` (deeply; `undefined`: is absent). Whether it did.
   */
  compareAndSet<K extends FieldOf<T>>(
    field: K,
    expected: T[K] | undefined,
    value: T[K],
  ): Promise<boolean>
  /** Removes a field. Whether it was there. */
  delete<K extends FieldOf<T>>(field: K): Promise<boolean>
  has(field: FieldOf<T>): Promise<boolean>
  keys(): Promise<FieldOf<T>[]>
  /** All fields with their values, at one moment. */
  entries(): Promise<[FieldOf<T>, T[FieldOf<T>]][]>
  /** All fields as one frozen object, at one moment. */
  snapshot(): Promise<Readonly<T>>
  /**
   * Resolves to the field's value as soon as it is there and `until` holds for it. Without `until`
   * any value but `undefined` will do. No polling: the master answers when the field changes.
   */
  waitFor<K extends FieldOf<T>>(
    field: K,
    until?: (value: T[K]) => boolean,
    options?: WaitOptions,
  ): Promise<T[K]>
  waitFor<K extends FieldOf<T>>(field: K, options: WaitOptions): Promise<T[K]>
  /**
   * The field's value now, if it is there, and after every change; `undefined` once it is removed.
   * A slow reader misses values in between and always gets the latest. Waiting for a change does
   * not keep the program alive, as that of `waitFor` does.
   */
  watch<K extends FieldOf<T>>(
    field: K,
    options?: { signal?: AbortSignal },
  ): AsyncIterableIterator<T[K] | undefined>
}

export class AsyncObjectHandle {
  readonly #core: ObjectCore

  constructor(core: ObjectCore) {
    this.#core = core
    Object.defineProperty(this, handleMark, { value: true })
  }

  get name(): string {
    return this.#core.name
  }

  [inspect.custom](): string {
    return this.#core.toString()
  }

  /**
   * The one place where this handle obtains a field's value as it stands: from the memory of the
   * thread's node where that has it, else from the hub. What comes after a version that is known is
   * obtained in `#readChange`.
   */
  async #read(field: string, isRecorded = true): Promise<FieldRead> {
    const core = this.#core
    const own = core.buffered(field)
    if (own !== undefined) return own
    // The node first: what is known of another one counts for nothing.
    const node = core.node('read', false)
    const recorded = isRecorded ? core.beginRead(node, field) : undefined
    const read = this.#readHere(node, field) ?? (await this.#askForField(node, field))
    recorded?.seen(read)
    return read
  }

  #readHere(node: Node, field: string): FieldRead | undefined {
    const read = this.#core.local(node).read(field, this.#core.known(field))
    // A cell is read again and again: what is kept over an await has to be its own.
    return read === undefined ? undefined : { version: read.version, value: read.value }
  }

  async #askForField(node: Node, field: string): Promise<FieldRead> {
    const core = this.#core
    const { client } = node
    const { owner } = currentScope()
    const local = core.local(node)
    const wanted = local.wants(field)
    // For the next read: this one is to be answered in its place among the thread's calls.
    if (wanted !== undefined) local.awaits(wanted, client.askAsync(owner, wanted))
    const known = core.known(field)
    const operation = ['get', core.name, field, known?.version ?? 0] as const
    const answer = client.askAsync(owner, core.wrap(operation))
    local.unanswered([field], answer)
    return core.decode(field, (await answer) as FieldState, known)
  }

  /** The field once its version is not the one seen. */
  async #readChange(
    field: string,
    seen: number,
    deadline: Deadline,
    what: string,
  ): Promise<FieldChange> {
    const core = this.#core
    const node = core.node('wait for', false)
    const operation = ['wait', core.name, field, seen] as const
    const owner = currentScope().owner
    const recorded = core.beginRead(node, field)
    const state = await askWithin(node, owner, core.wrap(operation), deadline, what)
    return { ...core.decode(field, state as FieldState), recorded }
  }

  async #ask(what: string, operation: StrictOperation, replaced?: FieldRead): Promise<Answer> {
    const core = this.#core
    const node = core.node(what, false)
    const { client, recorder } = node
    const scope = currentScope()
    const recording =
      recorder === undefined
        ? undefined
        : beginWrite(recorder, scope, core.recordedStore, operation, replaced)
    const answer = client.askAsync(scope.owner, core.wrap(operation))
    const written = writtenField(operation)
    core.local(node).unanswered(written === undefined ? [] : [written], answer)
    return recording === undefined ? answer : recordAnswer(recording, operation, answer)
  }

  /** Sends in call order. */
  #send(what: string, field: string, operation: StrictOperation): Promise<Answer> {
    return fieldOrder().send(this.#core.key, field, () => this.#ask(what, operation))
  }

  /** A field as it stands, for who does with it what this model needs. */
  protected readNow(field: string): Promise<FieldRead> {
    return this.#read(field)
  }

  async get(field: string): Promise<unknown> {
    this.#core.checkField(field)
    return (await fieldOrder().send(this.#core.key, field, () => this.#read(field))).value
  }

  async has(field: string): Promise<boolean> {
    this.#core.checkField(field)
    const read = await fieldOrder().send(this.#core.key, field, () => this.#read(field))
    return read.version !== 0
  }

  async set(field: string, value: unknown): Promise<void> {
    const core = this.#core
    const { name } = core
    core.checkField(field)
    await this.#send('write', field, ['set', name, field, core.encode(field, value), core.fences()])
  }

  async add(field: string, delta = 1): Promise<number> {
    const core = this.#core
    const { name } = core
    core.checkField(field)
    if (typeof delta !== 'number') throw new TypeError(`add() takes a number: ${typeof delta}`)
    const answer = await this.#send('add to', field, ['add', name, field, delta, core.fences()])
    return (answer as WriteOutcome)[2] as number
  }

  async delete(field: string): Promise<boolean> {
    const core = this.#core
    core.checkField(field)
    const operation = ['delete', core.name, field, core.fences()] as const
    return (await this.#send('write', field, operation)) as boolean
  }

  async keys(): Promise<string[]> {
    const core = this.#core
    const [names, own] = await this.#list('keys')
    return core.listKeys(names as readonly string[], own)
  }

  async entries(): Promise<[string, unknown][]> {
    const [rows, own] = await this.#list('entries')
    return this.#core.listEntries(rows as readonly EntryRow[], own)
  }

  /** All fields, and what the caller had written itself when they were asked for. */
  #list(name: 'keys' | 'entries') {
    const core = this.#core
    return fieldOrder().whole(core.key, async () => {
      const own = core.allBuffered()
      return [await this.#ask('read', [name, core.name]), own] as const
    })
  }

  async snapshot(): Promise<object> {
    return Object.freeze(Object.fromEntries(await this.entries()))
  }

  async update(field: string, change: (value: unknown) => unknown): Promise<unknown> {
    const core = this.#core
    core.checkField(field)
    if (typeof change !== 'function') {
      throw new TypeError(`update() takes a function: ${typeof change}`)
    }
    // Of the call, not of the moment when it is sent: a lock that was released meanwhile is
    // noticed.
    const fences = core.fences()
    return fieldOrder().work(core.key, field, async () => {
      let read = await this.#read(field, false)
      for (;;) {
        const encoded = core.encode(field, change(read.value))
        const [done, version, current] = await this.#replace(field, read, encoded, fences)
        read = { version, value: core.decodeValue(field, version, current) }
        if (done) return read.value
      }
    })
  }

  async #replace(
    field: string,
    read: FieldRead,
    value: EncodedValue,
    fences: Fences,
  ): Promise<WriteOutcome> {
    const operation = ['replace', this.#core.name, field, read.version, value, fences] as const
    return (await this.#ask('write', operation, read)) as WriteOutcome
  }

  async compareAndSet(field: string, expected: unknown, value: unknown): Promise<boolean> {
    const core = this.#core
    const { name } = core
    core.checkField(field)
    const encoded = core.encode(field, value)
    const simple = core.encodeInline(expected)
    const fences = core.fences()
    if (simple === undefined) {
      const own = core.ownCopy(field, expected)
      return fieldOrder().work(core.key, field, () =>
        this.#compareAndSet(field, own, encoded, fences),
      )
    }
    const operation = ['compareAndSet', name, field, simple.inline, encoded, fences] as const
    return ((await this.#send('write', field, operation)) as WriteOutcome)[0]
  }

  /** For values that the master cannot compare. */
  async #compareAndSet(
    field: string,
    expected: unknown,
    encoded: EncodedValue,
    fences: Fences,
  ): Promise<boolean> {
    const core = this.#core
    let recorded = core.beginRead(core.node('write', false), field)
    let read = await this.#read(field, false)
    while (isDeepStrictEqual(read.value, expected)) {
      recorded = core.beginRead(core.node('write', false), field)
      const [done, version, current] = await this.#replace(field, read, encoded, fences)
      if (done) return true
      read = { version, value: core.decodeValue(field, version, current) }
    }
    recorded?.differs(expected, encoded)
    return false
  }

  async waitFor(
    field: string,
    untilOrOptions?: ((value: unknown) => boolean) | WaitOptions,
    options: WaitOptions = {},
  ): Promise<unknown> {
    const core = this.#core
    core.checkField(field)
    const [until, limits] = waitArguments(untilOrOptions, options)
    const what = `waitFor('${field}') of ${core}`
    checkWaitOptions(what, limits)
    const deadline = deadlineOf(limits)
    let seen = -1
    for (;;) {
      const look = () => this.#readChange(field, seen, deadline, what)
      const read = await fieldOrder().send(core.key, field, look)
      if (until(read.value)) {
        read.recorded?.seen(read)
        return read.value
      }
      seen = read.version
    }
  }

  watch(field: string, { signal }: { signal?: AbortSignal } = {}): AsyncIterableIterator<unknown> {
    const core = this.#core
    core.checkField(field)
    const what = `watch('${field}') of ${core}`
    if (signal !== undefined) checkWaitOptions(what, { signal })
    return new FieldWatch(
      (seen, stop) =>
        fieldOrder().send(core.key, field, () =>
          this.#readChange(
            field,
            seen,
            { ...deadlineOf({ signal: stop }), background: true },
            what,
          ),
        ),
      signal,
    )
  }
}

function writtenField(operation: StrictOperation): string | undefined {
  switch (operation[0]) {
    case 'set':
    case 'add':
    case 'compareAndSet':
    case 'replace':
    case 'delete':
      return operation[2]
    default:
      return undefined
  }
}

/**
 * Sorts out `waitFor(field, until?, options?)`. What is not there is not waited for, so `until`
 * never sees it.
 */
export function waitArguments(
  untilOrOptions: ((value: unknown) => boolean) | WaitOptions | undefined,
  options: WaitOptions,
): [(value: unknown) => boolean, WaitOptions] {
  const isThere = (value: unknown): boolean => value !== undefined
  if (typeof untilOrOptions === 'function') {
    return [(value) => isThere(value) && untilOrOptions(value), options]
  }
  if (untilOrOptions === undefined) return [isThere, options]
  if (typeof untilOrOptions !== 'object' || untilOrOptions === null) {
    throw new TypeError(`waitFor() takes a function or options: ${typeof untilOrOptions}`)
  }
  return [isThere, untilOrOptions]
}
