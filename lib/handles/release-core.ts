/**
 * What both handles of an `UpdateOnRelease` object need: the section of the calling routine, and
 * the message by which it ends.
 */
import { inspect } from 'node:util'
import type { Node } from '../client/current.ts'
import { currentScope, fencesOf, type Scope, scopeOver } from '../client/scope.ts'
import { GoawayError } from '../errors.ts'
import type { Recording } from '../history/recorder.ts'
import type { Operation } from '../wire/messages.ts'
import type { ReleaseWrite } from '../wire/update-on-release-messages.ts'
import type { FieldRead } from './field-read.ts'
import { ObjectCore } from './object-core.ts'
import { beginRelease } from './recorded.ts'
import { openSections, type ReleaseSection } from './release-section.ts'

export interface ReleaseOptions {
  /** `'all'`: it is over when every member of the cluster shows what was written. */
  ack?: 'all'
}

/** A release that is to be sent. */
export interface LeavingRelease {
  readonly operation: Operation
  readonly fields: readonly string[]
  readonly recordings: readonly Recording[]
}

export class ReleaseCore extends ObjectCore {
  constructor(name: string, initial: object | undefined) {
    super('UpdateOnRelease', 'update-on-release', name, initial)
  }

  override buffered(field: string): FieldRead | undefined {
    if (openSections.count === 0) return undefined
    const { only } = openSections
    if (only === undefined) return this.sectionHere()?.read(field)
    // The usual case, on the way of every read: what is not written there is written nowhere,
    // whoever is calling.
    const read = only.object === this.name ? only.read(field) : undefined
    return read === undefined || only.scope === currentScope() ? read : undefined
  }

  override allBuffered(): ReadonlyMap<string, FieldRead> | undefined {
    return openSections.count === 0 ? undefined : this.sectionHere()?.readAll()
  }

  /** What the calling routine has of this object. */
  sectionHere(): ReleaseSection | undefined {
    return currentScope().sections?.get(this.name) as ReleaseSection | undefined
  }

  /** @throws {GoawayError} ERR_GOAWAY_LOCK_NOT_HELD */
  section(what: string): ReleaseSection {
    const section = this.sectionHere()
    if (section !== undefined && !section.isClosed) return section
    throw new GoawayError(
      'ERR_GOAWAY_LOCK_NOT_HELD',
      `Cannot ${what} ${this}: the calling routine does not hold its lock; ` +
        'call acquire() before and release() after, or use with()',
    )
  }

  /** The scope of the caller, if it may hold locks. */
  scope(): Scope {
    const scope = currentScope()
    if (scope.over) throw scopeOver(scope)
    return scope
  }

  acquisition({ context }: Scope): Operation {
    const asked = ['acquire', this.name] as const
    return this.wrap(context?.noticed === true ? [...asked, true] : asked)
  }

  attempt(): Operation {
    return this.wrap(['tryAcquire', this.name])
  }

  /** What was granted to somebody who no longer wants it, or may no longer have it. */
  giveBack({ client }: Node, { owner }: Scope, token: number): void {
    client.tell(owner, this.wrap(['release', this.name, token, [], false, null]))
  }

  /** The sum that a field has after an add, which is computed here. */
  sum(field: string, { value }: FieldRead, delta: number): number {
    const before = value === undefined ? 0 : value
    if (typeof before === 'number') return before + delta
    throw new GoawayError(
      'ERR_GOAWAY_NOT_A_NUMBER',
      `Cannot add to ${this}.${field}: it is no number: ${typeof before}`,
    )
  }

  /**
   * The end of a section, all of whose writes leave together.
   *
   * @throws {GoawayError} what its lock was lost by
   */
  leave(section: ReleaseSection, { ack }: ReleaseOptions): LeavingRelease {
    const { node, scope, token } = section
    const writes = section.take()
    const operation = this.wrap([
      'release',
      this.name,
      token,
      writes,
      ack === 'all',
      fencesOf(scope),
    ])
    const fields = writes.map(([field]) => field)
    return { operation, fields, recordings: this.#record(node, scope, token, writes) }
  }

  #record(node: Node, scope: Scope, token: number, writes: readonly ReleaseWrite[]): Recording[] {
    if (node.recorder === undefined) return []
    try {
      return beginRelease(node.recorder, scope, this.name, writes)
    } catch (error) {
      // It must not be written then, and nobody else has to wait.
      this.giveBack(node, scope, token)
      throw error
    }
  }

  /** Why a release failed, and whether anything was written. */
  refused(error: unknown, recordings: readonly Recording[]): unknown {
    for (const recording of recordings) recording.fail(error)
    if (!(error instanceof GoawayError) || error.maybeExecuted === true) return error
    const text = `Cannot release ${this}: nothing was written under its lock`
    const details = { cause: error, maybeExecuted: false }
    return new GoawayError(error.code, `${text}: ${error.message}`, details)
  }
}

export function checkReleaseOptions(what: string, options: ReleaseOptions): void {
  const { ack } = options
  if (ack === undefined || ack === 'all') return
  throw new TypeError(`${what}: ack has to be 'all', or left out: ${inspect(ack)}`)
}
