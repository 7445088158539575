/**
 * Who is calling: the routine of the current asynchronous context, or the program itself. It knows
 * the locks its caller holds, so that writes carry their tokens by themselves.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { GoawayError } from '../errors.ts'
import type { Fences } from '../wire/messages.ts'
import type { Node } from './current.ts'

/** A lock that is held, as its scope knows it. */
export interface HeldEntry {
  /** The token that writes carry; 0, which is nobody's, once its hub is gone. */
  readonly fence: number
  release(): void
  /** It is no longer its holder's own, or soon will not be. */
  lose(reason: GoawayError): void
}

/** An object that is held by its own lock, with what was written under it. */
export interface HeldSection {
  lose(reason: GoawayError): void
}

/** What is to be known here of a routine's `context()`. */
export interface ScopeContext {
  /** Its code has been told that it is to stop. */
  readonly noticed: boolean
}

export interface Scope {
  /** Id of the routine; 0 outside of any. */
  readonly owner: number
  /** Held locks by name. */
  readonly held: Map<string, HeldEntry>
  /** Objects that are held by their own locks, by name; most routines hold none. */
  sections?: Map<string, HeldSection>
  /** What the routine sees as `context()`; undefined outside of any. */
  readonly context: ScopeContext | undefined
  /**
   * The routine, or this attempt at it, is over. What it left behind still runs in this scope, and
   * must not pass for the attempt that follows.
   */
  over: boolean
  /** The thread of a simulation that runs it. */
  readonly home?: Node | undefined
}

interface Scopes {
  readonly storage: AsyncLocalStorage<Scope>
  /** Of code outside of any routine. */
  readonly program: Scope
}

const key = Symbol.for('goaway.scopes')
const globals = globalThis as { [key]?: Scopes }

// On the global object, so that two copies of the library in one thread know the same routine.
globals[key] ??= {
  storage: new AsyncLocalStorage<Scope>(),
  program: { owner: 0, held: new Map(), context: undefined, over: false },
}
const { storage, program } = globals[key]

export const scopes = storage

export function currentScope(): Scope {
  return scopes.getStore() ?? program
}

/**
 * Its routine is over. Held locks stay known, so that what it left behind writes with their tokens
 * and is refused.
 */
export function endScope(scope: Scope): void {
  scope.over = true
  if (scope.held.size === 0 && scope.sections === undefined) return
  const reason = scopeOver(scope)
  for (const entry of [...scope.held.values()]) entry.lose(reason)
  for (const section of [...(scope.sections?.values() ?? [])]) section.lose(reason)
}

/** Why code of a routine that is over gets no lock, and has none any more. */
export function scopeOver({ owner }: Scope): GoawayError {
  return new GoawayError(
    'ERR_GOAWAY_CANCELLED',
    `Routine ${owner} is over, or this attempt at it: what it left behind has no locks`,
    { routine: owner },
  )
}

/** The tokens a write of this scope carries. */
export function fencesOf(scope: Scope): Fences {
  if (scope.held.size === 0) return null
  return Array.from(scope.held, ([lock, entry]) => [lock, entry.fence] as const)
}
