/**
 * The vocabulary between a thread and its hub, and between hubs. A message is a tuple that opens
 * with its name; values in it are opaque: encoded by the thread that gave them, decoded by the one
 * that reads.
 */
import type { CodeManifest } from './code-manifest.ts'
import type { ErrorRecord } from './error-record.ts'
import type { HistoryClaim, HistoryMessage } from './history-messages.ts'
import type { MemoryAnswer, MemoryOperation } from './memory-messages.ts'
import type { EncodedValue, InlineValue, Payload } from './payloads.ts'
import type { RefLinkMessage, RefNews, RefOperation, SharedRefData } from './ref-messages.ts'
import type { ReplicaLinkMessage, ReplicatedOperation } from './replica-messages.ts'
import type { FunctionAddress, RoutineTerms } from './routine-terms.ts'

export type { CodeFile, CodeManifest } from './code-manifest.ts'
export type {
  EncodedValue,
  InlineValue,
  MessagePortLike,
  Payload,
  ThreadPort,
} from './payloads.ts'
export type { FunctionAddress, RoutineTerms } from './routine-terms.ts'

/**
 * The locks its writer holds, with their tokens; `null` when it holds none. `foreign`, set by the
 * hub of the object's master: another node serves this lock.
 */
export type Fences = readonly (readonly [lock: string, token: number, foreign?: 1])[] | null

/**
 * A request of a strict object. A field's version is unique among all its object's writes; 0 is
 * "absent".
 */
export type StrictOperation =
  | readonly ['init', object: string, fields: readonly (readonly [string, EncodedValue])[]]
  | readonly ['get', object: string, field: string, seenVersion: number]
  | readonly ['set', object: string, field: string, value: EncodedValue, fences: Fences]
  | readonly ['add', object: string, field: string, delta: number, fences: Fences]
  | readonly [
      'compareAndSet',
      object: string,
      field: string,
      expected: InlineValue,
      value: EncodedValue,
      fences: Fences,
    ]
  | readonly [
      'replace',
      object: string,
      field: string,
      ifVersion: number,
      value: EncodedValue,
      fences: Fences,
    ]
  | readonly ['delete', object: string, field: string, fences: Fences]
  | readonly ['keys', object: string]
  | readonly ['entries', object: string]
  | readonly ['wait', object: string, field: string, seenVersion: number]

/**
 * A field as it stands: `[version]` alone says "what you have seen is still so". Version 0: absent.
 */
export type FieldState = readonly [version: number, value?: EncodedValue]

/** Whether a conditional write took place, and the field as it stands after it. */
export type WriteOutcome = readonly [done: boolean, version: number, value: EncodedValue]

export type EntryRow = readonly [field: string, version: number, value: EncodedValue]

/**
 * What a strict operation answers: `init` null, `set` the version, `delete` whether the field was
 * there.
 */
export type StrictAnswer =
  | null
  | number
  | boolean
  | FieldState
  | WriteOutcome
  | readonly string[]
  | readonly EntryRow[]

/**
 * A request of a lock. `tryAcquire` answers at once; the answer is the token, 0 for "not now".
 * `stopNoticed`: the routine that asks knows that it is to stop, and wants the lock all the same.
 */
export type LockOperation =
  | readonly ['acquire', lock: string, stopNoticed?: boolean]
  | readonly ['tryAcquire', lock: string]
  | readonly ['release', lock: string, token: number]

export type Operation =
  | StrictOperation
  | LockOperation
  | ReplicatedOperation
  | MemoryOperation
  | RefOperation
export type LockAnswer = number | null
export type Answer = StrictAnswer | LockAnswer | MemoryAnswer | SharedRefData

/** From a thread to its hub. `owner` is the routine that asks, 0 outside of any. */
export type ThreadMessage =
  /** `limited`: the blocked thread will give up by itself. */
  | readonly [
      'ask',
      call: number,
      blocking: boolean,
      owner: number,
      operation: Operation,
      limited: boolean,
    ]
  | readonly ['tell', owner: number, operation: Operation]
  | readonly ['forget', call: number]
  /** The call that is about to come need not keep the program alive: say when it waits. */
  | readonly ['relieve', call: number]
  | readonly ['function', fn: number, address: FunctionAddress]
  | readonly ['terms', terms: number, value: RoutineTerms]
  | readonly ['submit', routine: number, owner: number, fn: number, terms: number, payload: Payload]
  | readonly ['cancel', routine: number, reason: ErrorRecord | null, graceMs: number]
  | readonly ['credit', routine: number, values: number]
  | readonly ['finish', routine: number]
  | readonly ['shutdown', graceMs: number]
  | readonly ['stats', call: number]
  /** What a routine wrote, where others write it; descriptor 1 or 2. */
  | readonly ['print', descriptor: number, bytes: Uint8Array]
  | readonly ['quiet', probe: number, quiet: boolean]
  | readonly ['refs', news: RefNews]

/** From a hub to a thread. */
export type HubMessage =
  | readonly ['answer', call: number, answer: Answer]
  | readonly ['refuse', call: number, error: ErrorRecord]
  | readonly ['started', routine: number, node: string, thread: number, attempt: number]
  | readonly ['result', routine: number, payload: Payload]
  | readonly ['failure', routine: number, error: ErrorRecord]
  | readonly ['value', routine: number, payload: Payload]
  | readonly ['busy', busy: boolean]
  /** A call that was to be relieved has no answer yet. */
  | readonly ['waits', call: number]
  | readonly ['quiet?', probe: number]
  /** A lock that this thread was granted is no longer its own. */
  | readonly ['lockLost', lock: string, token: number, error: ErrorRecord]
  /** A write of this thread, of which it wanted no answer, was not taken. */
  | readonly ['writeRefused', error: ErrorRecord]
  | readonly ['ready', node: string]
  /** The cluster could not be made. */
  | readonly ['failed', error: ErrorRecord]
  /** Who is in the cluster now. */
  | readonly ['members', members: readonly Member[]]
  | readonly ['stats', call: number, stats: readonly unknown[]]
  | readonly ['closed']

/**
 * From the executor to one of its threads. A slot is the routine's place in the thread's shared
 * words.
 */
export type RunMessage =
  /** The application's code lies in this folder from now on. */
  | readonly ['code', directory: string]
  | readonly ['function', fn: number, address: FunctionAddress]
  | readonly [
      'run',
      routine: number,
      slot: number,
      ticket: number,
      fn: number,
      attempt: number,
      flags: number,
      payload: Payload,
    ]
  | readonly ['arguments', routine: number, payload: Payload]
  | readonly ['abort', routine: number, reason: ErrorRecord]
  | readonly ['credit', routine: number, values: number]
  | readonly ['finish', routine: number]
  | readonly ['close']

/** From a thread to its executor. `parked` gives back what was assigned and not begun. */
export type ReportMessage =
  | readonly ['began', routine: number]
  | readonly ['want', routine: number]
  | readonly ['done', routine: number, payload: Payload]
  | readonly ['failed', routine: number, error: ErrorRecord]
  | readonly ['yield', routine: number, payload: Payload]
  | readonly ['parked', returned: readonly number[], deliveries: number]
  | readonly ['open']

/**
 * Flags of `run`: tell when it begins; its values are streamed; begin it beside parked ones; its
 * arguments lie on a port, which can be handed on once only, and so is asked for (`want`) when the
 * routine begins.
 */
export const flagReportStart = 1
export const flagStream = 2
export const flagShare = 4
export const flagLate = 8

/** Between hubs: requests of a client to the master of an object or lock, and what comes back. */
export type StoreMessage =
  | readonly [
      'request',
      client: number,
      call: number,
      owner: number,
      thread: number,
      blocking: boolean,
      operation: Operation,
      /** So many replies and refusals this client has taken from the receiver. */
      ackUpTo: number,
      /** Under which a lock is asked for. */
      session?: number,
    ]
  /** The same, where no request came along to say it. */
  | readonly ['acknowledge', client: number, ackUpTo: number]
  | readonly ['cease', client: number, call: number, reason: ErrorRecord]
  | readonly ['over', client: number, owner: number]
  | readonly ['gone', client: number]
  | readonly ['reply', client: number, call: number, answer: Answer]
  | readonly ['refusal', client: number, call: number, error: ErrorRecord]
  | readonly ['waiting', client: number, call: number]

/** Between hubs: for how long the locks that the one's clients hold at the other are theirs. */
export type SessionMessage =
  /** To whoever serves the locks: the session is wanted further on. */
  | readonly ['keep', session: number, nonce: number]
  /** It is not. */
  | readonly ['part', session: number]
  | readonly ['kept', session: number, nonce: number]
  | readonly ['ended', session: number]

/**
 * Between hubs: routines of the one that run at the other. `attempt` of an order counts those made
 * elsewhere before, `waitedMs` how long it waited to be sent. A number of a function or of terms
 * may be given anew, once no order that was sent with it is open.
 */
export type RemoteRoutineMessage =
  | readonly ['function', fn: number, address: FunctionAddress]
  | readonly ['terms', terms: number, value: RoutineTerms]
  | readonly [
      'order',
      routine: number,
      owner: number,
      fn: number,
      terms: number,
      attempt: number,
      waitedMs: number,
      payload: Payload,
    ]
  | readonly ['cancel', routine: number, reason: ErrorRecord | null, graceMs: number]
  | readonly ['credit', routine: number, values: number]
  | readonly ['finish', routine: number]
  | readonly ['started', routine: number, node: string, thread: number, attempt: number]
  | readonly ['value', routine: number, payload: Payload]
  | readonly ['result', routine: number, payload: Payload]
  | readonly ['failure', routine: number, error: ErrorRecord]
  /**
   * So many orders of the receiver may have been sent in all; `load`: routines that this node has
   * of others than the receiver, those that wait included, for each of its threads; `idle`:
   * threads that would begin an order at once; `arrived`: orders of the receiver so far.
   */
  | readonly ['room', allowed: number, load: number, idle: number, arrived: number]
  /**
   * Another node, of that name and with these labels, has nothing to do: what has not begun of the
   * sender's orders, and may go there, is to be given back, so many at most. `sent`: orders of the
   * sender so far.
   */
  | readonly ['recall', most: number, name: string, labels: readonly string[], sent: number]
  /** It has not begun, and never will here. */
  | readonly ['returned', routine: number, payload: Payload]
  /**
   * The answer to a recall, behind what was returned. `arrived`: orders of the receiver so far; if
   * not all that were sent before the question, the rest is told of by `room` once it is there.
   * `left`: those that have not begun, and might have been returned as well.
   */
  | readonly ['recalled', arrived: number, left: number]

/** A node of the cluster as the others know it. */
export interface Member {
  /** Its number in this application, never given twice: 0 is the spawner. */
  readonly place: number
  /** Its number in the cluster file, from 1; a node that came back has it again. 0: the spawner. */
  readonly index: number
  readonly name: string
  readonly host: string
  readonly port: number
  readonly labels: readonly string[]
  readonly threads: number
  /** Tells one life of the process from the next. */
  readonly incarnation: string
}

/** Between the spawner and the nodes: who is in, and for how long a node may believe that it is. */
export type MembershipMessage =
  | readonly ['renew', nonce: number]
  | readonly ['grant', nonce: number, epoch: number]
  | readonly ['view', epoch: number, members: readonly Member[]]
  /** The sender cannot reach that member. */
  | readonly ['unreachable', place: number]
  /** Between nodes: says nothing, but a link that is sent nothing does not see that it broke. */
  | readonly ['present']
  | readonly ['bye']

/** What the spawner asks a node to be. */
export interface Claim {
  readonly application: string
  /** What a person would call it: program, user and host. */
  readonly title: string
  readonly member: Member
  readonly nodeTimeoutMs: number
  readonly linkGraceMs: number
  readonly sessionMs: number
  readonly placement: 'first' | 'hash'
  /** Nodes in the cluster file: objects and locks are spread over these. */
  readonly nodes: number
  readonly threads: number | undefined
  readonly threadsMax: number | undefined
  /** What `process.argv` has after the program's name. */
  readonly argv: readonly string[]
  /** Of each thread, as of `node:worker_threads`; `null`: the defaults. */
  readonly resourceLimits: { readonly [name: string]: number | undefined } | null
  /** Threads of the spawner; 0: it runs only what is placed on it. */
  readonly spawnerThreads: number
  /** Set if the application is recorded. */
  readonly history?: HistoryClaim | undefined
}

/** Between the spawner and a node, before and while an application runs on it. */
export type SetupMessage =
  | readonly ['claim', claim: Claim]
  /** Its threads, as it has counted them, and all its labels; where it records, or ''. */
  | readonly ['claimed', threads: number, labels: readonly string[], recordsIn?: string]
  | readonly ['code', manifest: CodeManifest]
  | readonly ['need', hashes: readonly string[]]
  | readonly ['blob', hash: string, bytes: Uint8Array]
  | readonly ['installed', hash: string, error: ErrorRecord | null]
  /** Dial those of lower place, and say when it is done. */
  | readonly ['meet', members: readonly Member[]]
  | readonly ['met', error: ErrorRecord | null]
  /** What a routine at that node wrote; descriptor 1 or 2. */
  | readonly ['output', client: number, descriptor: number, bytes: Uint8Array]
  /** So many bytes of it have been written. */
  | readonly ['written', client: number, bytes: number]
  /** What it does: answered with `state`. */
  | readonly ['inquiry', call: number]
  | readonly ['state', call: number, status: unknown]
  | HistoryMessage
  /** The same for who asks from outside, and then no more. */
  | readonly ['status', status: unknown]

export type LinkMessage =
  | StoreMessage
  | RefLinkMessage
  | ReplicaLinkMessage
  | SessionMessage
  | RemoteRoutineMessage
  | MembershipMessage
  | SetupMessage

export type Message = LinkMessage | ThreadMessage | HubMessage | RunMessage | ReportMessage
