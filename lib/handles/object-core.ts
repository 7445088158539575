/**
 * What the asynchronous and the blocking handle of a strict object share: its name, its initial values,
 * and the values it has decoded. A handle costs nothing until it is used: its module is evaluated in
 * every thread.
 */
import { currentNode, type Node } from '../client/current.ts'
import { currentScope, fencesOf } from '../client/scope.ts'
import { decodeStored, encodeStored } from '../client/values.ts'
import { GoawayError } from '../errors.ts'
import { decodedFieldsMax, nameLengthMax } from '../limits.ts'
import type { EncodedValue, Fences, FieldState, InlineValue } from '../wire/messages.ts'

/** A symbol by which handles are known, and refused as values. */
export const handleMark = Symbol.for('goaway.handle')

interface Decoded {
  readonly version: number
  readonly value: unknown
}

export class ObjectCore {
  readonly store: string
  readonly name: string
  readonly #initial: Readonly<Record<string, unknown>> | undefined
  /** Frozen values by field: decoded once per version. */
  readonly #decoded = new Map<string, Decoded>()
  #node: Node | undefined

  constructor(store: string, name: string, initial: object | undefined) {
    this.store = store
    this.name = checkName(`${store}(name)`, name)
    if (initial !== undefined && (typeof initial !== 'object' || initial === null)) {
      throw new TypeError(
        `Cannot make ${store}('${name}'): its initial values are no object: ${initial}`,
      )
    }
    this.#initial = initial as Readonly<Record<string, unknown>> | undefined
  }

  toString(): string {
    return `${this.store}('${this.name}')`
  }

  /** The node to ask, told of the initial values before anything else. */
  node(what: string, blocking: boolean): Node {
    const node = currentNode(`${what} ${this}`, blocking)
    if (node !== this.#node) {
      this.#decoded.clear()
      if (this.#initial !== undefined) {
        const fields = Object.entries(this.#initial).map(
          ([field, value]) => [field, this.encode(field, value)] as const,
        )
        node.client.tell(currentScope().owner, ['init', this.name, fields])
      }
      this.#node = node
    }
    return node
  }

  encode(field: string, value: unknown): EncodedValue {
    return encodeStored(value, `${this}.${field}`)
  }

  /** Whether the value is such that the master itself can compare it. */
  encodeInline(value: unknown): { inline: InlineValue } | undefined {
    const encoded = encodeStored(value, `${this}: the expected value`)
    return encoded instanceof Uint8Array ? undefined : { inline: encoded }
  }

  /** The version a reader need not be sent again. */
  seen(field: string): number {
    return this.#decoded.get(field)?.version ?? 0
  }

  /** The value of a field as its master answered; `undefined` if it is absent. */
  decode(field: string, state: FieldState): unknown {
    const [version, encoded] = state
    if (state.length === 1) return this.#decoded.get(field)?.value
    return this.decodeValue(field, version, encoded)
  }

  decodeValue(field: string, version: number, encoded: EncodedValue): unknown {
    if (!(encoded instanceof Uint8Array)) {
      this.#decoded.delete(field)
      return encoded
    }
    const known = this.#decoded.get(field)
    if (known?.version === version) return known.value
    const { value, shareable } = decodeStored(encoded)
    if (shareable) {
      if (this.#decoded.size >= decodedFieldsMax) this.#decoded.clear()
      this.#decoded.set(field, { version, value })
    } else this.#decoded.delete(field)
    return value
  }

  fences(): Fences {
    return fencesOf(currentScope())
  }
}

/** Checks the name of a store, lock or field. */
export function checkName(what: string, name: unknown): string {
  if (typeof name !== 'string') throw new TypeError(`${what} has to be a string: ${typeof name}`)
  if (name.length === 0 || name.length > nameLengthMax) {
    throw new RangeError(`${what} has to have 1 to ${nameLengthMax} characters: ${name.length}`)
  }
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
