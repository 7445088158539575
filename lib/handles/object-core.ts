/**
 * What the asynchronous and the blocking handle of an object share, whatever its model: its name,
 * its store, its initial values, and the values it has decoded. A handle costs nothing until it is
 * used: its module is evaluated in every thread.
 */
import { inspect } from 'node:util'
import { currentNode, type Node, place } from '../client/current.ts'
import type { LocalObject } from '../client/local-objects.ts'
import { isWellFormed } from '../client/plain-writer.ts'
import { currentScope, fencesOf } from '../client/scope.ts'
import { decodeStored, encodeStored } from '../client/values.ts'
import { GoawayError } from '../errors.ts'
import type { HistoryStore } from '../history/format.ts'
import { decodedFieldsMax, nameLengthMax } from '../limits.ts'
import type {
  EncodedValue,
  EntryRow,
  Fences,
  FieldState,
  InlineValue,
  Operation,
  StrictOperation,
} from '../wire/messages.ts'
import type { ReplicaOperation, ReplicatedStore } from '../wire/replica-messages.ts'
import type { FieldRead } from './field-read.ts'
import { RecordedRead, recordInitials } from './recorded.ts'

/** A symbol by which handles are known, and refused as values. */
export const handleMark = Symbol.for('goaway.handle')

/** What people call a kind of object. */
export type Model = 'StrictCentralized' | 'LinFastRead' | 'Weak' | 'UpdateOnRelease'

/** Where objects are kept: at one master, or in a store of which each node has a copy. */
export type ObjectStore = 'strict' | ReplicatedStore

export class ObjectCore {
  readonly model: Model
  readonly store: ObjectStore
  readonly name: string
  /** Tells it from objects of the same name in other stores. */
  readonly key: string
  /** Encoded where it is given, so that what cannot be stored is refused there. */
  readonly #initial: readonly (readonly [field: string, value: EncodedValue])[]
  /** Frozen values by field: decoded once per version. */
  #decoded = new Map<string, FieldRead>()
  #node: Node | undefined
  #local: { readonly of: Node; readonly object: LocalObject } | undefined
  #quick: LocalObject | undefined
  /** What other threads have decoded, where a simulation has several in one. */
  readonly #ofOthers = new WeakMap<Node, Map<string, FieldRead>>()

  constructor(model: Model, store: ObjectStore, name: string, initial: object | undefined) {
    this.model = model
    this.store = store
    this.name = checkName(`${model}(name)`, name)
    this.key = `${store} ${name}`
    if (initial !== undefined && (typeof initial !== 'object' || initial === null)) {
      throw new TypeError(
        `Cannot make ${model}('${name}'): its initial values are no object: ${inspect(initial)}`,
      )
    }
    this.#initial = Object.entries(initial ?? {}).map(([field, value]) => [
      this.checkField(field),
      this.encode(field, value),
    ])
  }

  /** The names of the initial values. */
  get initialFields(): readonly string[] {
    return this.#initial.map(([field]) => field)
  }

  checkField(field: unknown): string {
    // The usual case first: this is on the way of every read and write.
    if (typeof field === 'string' && isFieldName.test(field)) return field
    return checkName(`The name of a field of ${this}`, field)
  }

  toString(): string {
    return `${this.model}('${this.name}')`
  }

  /** What a history calls the store. */
  get recordedStore(): HistoryStore {
    return this.store
  }

  /** As it is asked of the hub. */
  wrap(operation: StrictOperation | ReplicaOperation): Operation {
    if (this.store === 'strict') return operation as StrictOperation
    return [this.store, operation]
  }

  /** What the calling routine has written and nobody else may see yet. */
  buffered(_field: string): FieldRead | undefined {
    return undefined
  }

  /** All of that, as it is now. */
  allBuffered(): ReadonlyMap<string, FieldRead> | undefined {
    return undefined
  }

  /** The names of fields, with what the calling routine has written itself. */
  listKeys(names: readonly string[], own: ReadonlyMap<string, FieldRead> | undefined): string[] {
    if (own === undefined) return names as string[]
    const all = new Set(names)
    for (const [field, { version }] of own) {
      if (version === 0) all.delete(field)
      else all.add(field)
    }
    return [...all]
  }

  listEntries(
    rows: readonly EntryRow[],
    own: ReadonlyMap<string, FieldRead> | undefined,
  ): [string, unknown][] {
    const entries = new Map<string, unknown>()
    for (const [field, version, value] of rows) {
      if (own?.has(field) !== true) entries.set(field, this.decodeValue(field, version, value))
      else entries.set(field, own.get(field)?.value)
    }
    for (const [field, { version, value }] of own ?? []) {
      if (version === 0) entries.delete(field)
      else entries.set(field, value)
    }
    return [...entries]
  }

  /**
   * What the caller reads of it without asking; undefined where that may not be so. Take from it at
   * once.
   */
  quick(field: string): FieldRead | undefined {
    return this.buffered(field) ?? this.shown(field)
  }

  /** The same of what was not written by the caller. */
  protected shown(field: string): FieldRead | undefined {
    if (this.#quick === undefined || place.simulated !== undefined) return undefined
    // A module that is being loaded is refused what its thread knows as well.
    if (place.pool && place.isLoading()) return undefined
    return this.#quick.quick(field)
  }

  /** The object as the threads of that node read it by themselves. */
  local(node: Node): LocalObject {
    if (this.#local?.of === node) return this.#local.object
    const object = node.client.objects.of(this.store, this.name)
    this.#local = { of: node, object }
    return object
  }

  /** The node to ask, told of the initial values before anything else. */
  node(what: string, blocking: boolean): Node {
    const node = currentNode(`${what} ${this}`, blocking)
    if (node !== this.#node) this.#switchTo(node, blocking)
    return node
  }

  #switchTo(node: Node, blocking = false): void {
    if (this.#node !== undefined) this.#ofOthers.set(this.#node, this.#decoded)
    this.#node = node
    // Who records stamps each read; a simulation has many threads in one.
    const mayBeQuick = node.recorder === undefined && place.simulated === undefined
    this.#quick = mayBeQuick ? this.local(node) : undefined
    const known = this.#ofOthers.get(node)
    this.#decoded = known ?? new Map()
    if (known === undefined && this.#initial.length > 0) this.#tellInitials(node, blocking)
  }

  /** What the calling thread has decoded: while an answer was awaited, another may have called. */
  #decodedHere(): Map<string, FieldRead> {
    const simulated = place.simulated?.()
    if (simulated !== undefined && simulated !== this.#node) this.#switchTo(simulated)
    return this.#decoded
  }

  #tellInitials(node: Node, blocking: boolean): void {
    const { client, recorder, thread } = node
    const scope = currentScope()
    if (recorder !== undefined) {
      recordInitials(recorder, scope, this.recordedStore, this.name, this.#initial)
    }
    const operation = this.wrap(['init', this.name, this.#initial])
    const local = this.local(node)
    const isHere = this.store === 'strict' || this.store.startsWith('weak')
    if (isHere && !local.isOpenSoon) return client.tell(scope.owner, operation)
    // Where another node performs it, what this thread reads next waits for the answer.
    if (blocking) return askRegardless(node, scope.owner, operation)
    const answer = new Promise<void>((resolve) => {
      const done = (): void => resolve()
      client.ask(scope.owner, operation, done, done, thread === 0)
    })
    local.unanswered(this.initialFields, answer)
  }

  encode(field: string, value: unknown): EncodedValue {
    return encodeStored(value, `${this}.${field}`)
  }

  /** Whether the value is such that the master itself can compare it. */
  encodeInline(value: unknown): { inline: InlineValue } | undefined {
    // A field that is absent equals one that holds `undefined`: a history has to know which it was.
    if (value === undefined && place.node?.recorder !== undefined) return undefined
    const encoded = encodeStored(value, `${this}: the expected value`)
    return encoded instanceof Uint8Array ? undefined : { inline: encoded }
  }

  /** The value as it is now, whatever its giver does with it later. */
  ownCopy(field: string, value: unknown): unknown {
    return decodeStored(this.encode(field, value)).value
  }

  /** What a reader has decoded and need not be sent again. */
  known(field: string): FieldRead | undefined {
    return this.#decodedHere().get(field)
  }

  /** A field as its master answered, to a reader who said what it had. */
  decode(field: string, state: FieldState, known?: FieldRead): FieldRead {
    if (state.length === 1) return known as FieldRead
    const [version, encoded] = state
    return { version, value: this.decodeValue(field, version, encoded) }
  }

  decodeValue(field: string, version: number, encoded: EncodedValue): unknown {
    const decoded = this.#decodedHere()
    const known = decoded.get(field)
    // Answers may be decoded in another order than they came: the newest stays.
    const isNewest = known === undefined || version === 0 || known.version < version
    if (!(encoded instanceof Uint8Array)) {
      if (isNewest) decoded.delete(field)
      return encoded
    }
    if (known?.version === version) return known.value
    const here = this.#node && this.local(this.#node).decoded(field, version)
    if (here !== undefined) return here.value
    const { value, shareable } = decodeStored(encoded)
    if (!isNewest) return value
    decoded.delete(field)
    if (shareable) {
      if (decoded.size >= decodedFieldsMax) decoded.clear()
      decoded.set(field, { version, value })
    }
    return value
  }

  /** A read that begins now, if this thread records. */
  beginRead({ recorder }: Node, field: string): RecordedRead | undefined {
    if (recorder === undefined) return undefined
    return new RecordedRead(recorder, currentScope(), this.recordedStore, this.name, field)
  }

  fences(): Fences {
    return fencesOf(currentScope())
  }
}

/** Whoever needs it hears of what went wrong from its own call. */
function askRegardless({ client }: Node, owner: number, operation: Operation): void {
  try {
    client.askBlocking(owner, operation)
  } catch {}
}

/** Most names of fields. Others are looked at more closely. */
const isFieldName = /^[\w$]{1,64}$/

/** Checks the name of a store, lock or field. */
export function checkName(what: string, name: unknown): string {
  if (typeof name !== 'string') throw new TypeError(`${what} has to be a string: ${typeof name}`)
  if (name.length === 0 || name.length > nameLengthMax) {
    throw new RangeError(`${what} has to have 1 to ${nameLengthMax} characters: ${name.length}`)
  }
  // Halves of a character all arrive as the same replacement, and two names would be one.
  if (!isWellFormed(name)) throw new RangeError(`${what} has to be well-formed: ${inspect(name)}`)
  return name
}

/** An error for a wait that its caller gave up. */
export function gaveUp(
  what: string,
  limit: { timeoutMs?: number | undefined },
  signal?: AbortSignal,
): GoawayError {
  if (signal?.aborted === true) {
    return new GoawayError('ERR_GOAWAY_CANCELLED', `${what} was cancelled by its signal`, {
      cause: signal.reason,
    })
  }
  return new GoawayError(
    'ERR_GOAWAY_TIMEOUT',
    `${what} took longer than its timeoutMs: ${limit.timeoutMs}`,
  )
}
