/**
 * What a routine writes to an `UpdateOnRelease` object while it holds its lock. It is nowhere but
 * here until the release takes all of it to the master in one message: so it is lost with its
 * thread, whole, and a write costs no message.
 */
import { inspect } from 'node:util'
import type { Node } from '../client/current.ts'
import { objectLock } from '../client/held-locks.ts'
import { type HeldSection, type Scope, scopeOver } from '../client/scope.ts'
import { decodeStored } from '../client/values.ts'
import { GoawayError } from '../errors.ts'
import { sectionBytesMax, sectionFieldsMax } from '../limits.ts'
import type { EncodedValue } from '../wire/messages.ts'
import type { ReleaseWrite } from '../wire/update-on-release-messages.ts'
import type { FieldRead } from './field-read.ts'
import { Loss } from './loss.ts'
import type { ObjectCore } from './object-core.ts'

interface Written {
  readonly write: ReleaseWrite
  readonly bytes: number
  /** What a reader sees; undefined: each is given a copy of its own. */
  read: FieldRead | undefined
}

const removed: FieldRead = { version: 0, value: undefined }

/** Those of this thread. */
class OpenSections {
  /** A thread that has none need not look whose code it runs. */
  count = 0
  /** If there is just one. */
  only: ReleaseSection | undefined
  readonly #all = new Set<ReleaseSection>()

  add(section: ReleaseSection): void {
    this.#all.add(section)
    this.#changed()
  }

  delete(section: ReleaseSection): void {
    this.#all.delete(section)
    this.#changed()
  }

  #changed(): void {
    const [first] = this.#all
    this.count = this.#all.size
    this.only = this.count === 1 ? first : undefined
  }
}

export const openSections = new OpenSections()

export class ReleaseSection implements HeldSection {
  /** Its name. */
  readonly object: string
  readonly lock: string
  readonly token: number
  readonly node: Node
  readonly scope: Scope
  readonly #core: ObjectCore
  readonly #loss = new Loss()
  readonly #written = new Map<string, Written>()
  #bytes = 0
  /** It was released, or is about to be. */
  #isClosed = false
  #isTaken = false
  #over: Promise<void> | undefined
  #end: (() => void) | undefined

  constructor(core: ObjectCore, token: number, node: Node, scope: Scope) {
    this.#core = core
    this.object = core.name
    this.lock = objectLock(core.name)
    this.token = token
    this.node = node
    this.scope = scope
    if (scope.sections === undefined) scope.sections = new Map()
    scope.sections.set(core.name, this)
    openSections.add(this)
    node.client.heldLocks.add(this)
  }

  get lost(): AbortSignal {
    return this.#loss.signal
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  lose(reason: GoawayError): void {
    if (this.#isTaken || this.#loss.reason !== undefined) return
    openSections.delete(this)
    this.node.client.heldLocks.delete(this)
    this.#written.clear()
    this.#loss.happened(reason, this.scope)
    this.ended()
  }

  /** Resolves when it is lost, or its release has been answered. */
  get over(): Promise<void> {
    this.#over ??= new Promise((resolve) => {
      this.#end = resolve
    })
    return this.#over
  }

  /** Its release was answered. */
  ended(): void {
    this.#end?.()
  }

  /** No more is written here. False if that was so already. */
  close(): boolean {
    if (this.#isClosed) return false
    this.#isClosed = true
    return true
  }

  /**
   * Takes what was written, and is no more in the way of the next section.
   *
   * @throws {GoawayError} what it was lost by
   */
  take(): ReleaseWrite[] {
    this.#isTaken = true
    this.node.client.heldLocks.delete(this)
    const { sections } = this.scope
    if (sections?.get(this.#core.name) === this) sections.delete(this.#core.name)
    const reason = this.#loss.reason ?? (this.scope.over ? scopeOver(this.scope) : undefined)
    if (reason !== undefined) {
      const text = `Cannot release ${this.#core}: its lock is lost, and nothing was written`
      const details = { cause: reason, maybeExecuted: false }
      throw new GoawayError(reason.code, `${text}: ${reason.message}`, details)
    }
    openSections.delete(this)
    return Array.from(this.#written.values(), ({ write }) => write)
  }

  /** A field as this section leaves it; undefined if it has not written it. */
  read(field: string): FieldRead | undefined {
    const written = this.#written.get(field)
    if (written === undefined || written.read !== undefined) return written?.read
    const { value, shareable } = decodeStored(written.write[1] as Uint8Array)
    const read: FieldRead = { version: -1, value, isProperty: false }
    if (shareable) written.read = read
    return read
  }

  readAll(): ReadonlyMap<string, FieldRead> {
    const fields = new Map<string, FieldRead>()
    for (const field of this.#written.keys()) fields.set(field, this.read(field) ?? removed)
    return fields
  }

  set(field: string, value: EncodedValue): void {
    const isInline = !(value instanceof Uint8Array)
    const read = isInline ? { version: -1, value, isProperty: false } : undefined
    this.#write(field, { write: [field, value], bytes: bytesOf(value), read })
  }

  delete(field: string): void {
    const read: FieldRead = { version: 0, value: undefined, isProperty: false }
    this.#write(field, { write: [field], bytes: 0, read })
  }

  #write(field: string, written: Written): void {
    const reason = this.#loss.reason
    if (reason !== undefined) throw this.#stale(reason)
    const before = this.#written.get(field)
    const bytes = this.#bytes + written.bytes - (before?.bytes ?? 0)
    if (before === undefined && this.#written.size >= sectionFieldsMax) {
      throw this.#full(`${sectionFieldsMax} fields are written under its lock already`)
    }
    if (bytes > sectionBytesMax) {
      throw this.#full(`values of ${sectionBytesMax} bytes are the most under one lock: ${bytes}`)
    }
    this.#bytes = bytes
    this.#written.set(field, written)
  }

  #full(why: string): GoawayError {
    const text = `Cannot write ${this.#core}: ${why}; release() it, and acquire() it again`
    return new GoawayError('ERR_GOAWAY_LIMIT', text)
  }

  #stale(cause: GoawayError): GoawayError {
    const text = `Cannot write ${this.#core}: its lock is lost, and what was written under it`
    return new GoawayError('ERR_GOAWAY_STALE_TOKEN', `${text}: ${cause.message}`, { cause })
  }

  [inspect.custom](): string {
    return `Held(${this.#core}, token ${this.token}${this.#isClosed ? ', released' : ''})`
  }
}

function bytesOf(value: EncodedValue): number {
  if (value instanceof Uint8Array) return value.byteLength
  return typeof value === 'string' ? value.length : 8
}
