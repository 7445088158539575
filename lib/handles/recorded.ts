/**
 * What handles record, if this thread records: each operation by its message, which says all that a
 * history has to know of it.
 *
 * `keys`, `entries` and `snapshot` are of no field, and are not recorded. An `update` is the write
 * that took effect, as a cas; a `waitFor` is the read that satisfied it.
 */
import type { Scope } from '../client/scope.ts'
import { decodeStored } from '../client/values.ts'
import { type HistoryStore, type Json, keyOf } from '../history/format.ts'
import type { Asked, Recorder, Recording } from '../history/recorder.ts'
import { historyValue } from '../history/value.ts'
import type { Answer, EncodedValue, StrictOperation, WriteOutcome } from '../wire/messages.ts'
import type { ReleaseWrite } from '../wire/update-on-release-messages.ts'
import type { FieldRead } from './field-read.ts'

const absent: FieldRead = { version: 0, value: undefined }

/** A field as a history shows it. */
function shownField({ version, value }: FieldRead): Json {
  return version === 0 ? null : historyValue(value)
}

function shownEncoded(encoded: EncodedValue): Json {
  return historyValue(decodeStored(encoded).value)
}

/** A write that is about to leave: it is recorded from here until its answer. */
export function beginWrite(
  recorder: Recorder,
  scope: Scope,
  store: HistoryStore,
  operation: StrictOperation,
  /** Of a `replace`: the field that is to be replaced. */
  replaced: FieldRead = absent,
): Recording | undefined {
  const asked = askedBy(operation, replaced)
  if (asked === undefined) return undefined
  const [, object, field] = operation as unknown as readonly [string, string, string]
  return recorder.begin(scope, { kind: 'reg', store, key: keyOf(object, field), ...asked })
}

function askedBy(
  operation: StrictOperation,
  replaced: FieldRead,
): Pick<Asked, 'op' | 'arg' | 'exp'> | undefined {
  switch (operation[0]) {
    case 'set':
      return { op: 'write', arg: shownEncoded(operation[3]) }
    case 'add':
      return askedByAdd(operation[3])
    case 'compareAndSet':
      return {
        op: 'cas',
        // What is expected to be absent is said so.
        exp: operation[3] === undefined ? null : shownEncoded(operation[3]),
        arg: shownEncoded(operation[4]),
      }
    case 'replace':
      return { op: 'cas', exp: shownField(replaced), arg: shownEncoded(operation[4]) }
    case 'delete':
      return { op: 'delete' }
    default:
      return undefined
  }
}

/** A number that JSON does not know takes the place of whatever it is added to. */
function askedByAdd(delta: number): Pick<Asked, 'op' | 'arg'> {
  return Number.isFinite(delta) ? { op: 'add', arg: delta } : { op: 'write', arg: `@${delta}` }
}

/** It was answered. */
function endWrite(recording: Recording, operation: StrictOperation, answer: Answer): void {
  switch (operation[0]) {
    case 'add':
      return recording.end(historyValue((answer as WriteOutcome)[2]))
    case 'delete':
      return recording.end(answer as boolean)
    case 'compareAndSet':
      return recording.end(undefined, (answer as WriteOutcome)[0])
    case 'replace':
      // Another write came first, which need not have changed the value: it says nothing.
      return (answer as WriteOutcome)[0] ? recording.end() : recording.drop()
    default:
      return recording.end()
  }
}

/** The answer of a write that has left. */
export async function recordAnswer(
  recording: Recording,
  operation: StrictOperation,
  answer: Promise<Answer>,
): Promise<Answer> {
  try {
    const answered = await answer
    endWrite(recording, operation, answered)
    return answered
  } catch (error) {
    recording.fail(error)
    throw error
  }
}

/** The same for who blocks until it is there. */
export function recordBlocking(
  recording: Recording,
  operation: StrictOperation,
  ask: () => Answer,
): Answer {
  let answer: Answer
  try {
    answer = ask()
  } catch (error) {
    recording.fail(error)
    throw error
  }
  endWrite(recording, operation, answer)
  return answer
}

/** What a handle that reads has to remember, until it knows what it saw. */
export class RecordedRead {
  readonly #recorder: Recorder
  readonly #scope: Scope
  readonly #asked: Pick<Asked, 'kind' | 'store' | 'key'>
  readonly #start: number

  constructor(
    recorder: Recorder,
    scope: Scope,
    store: HistoryStore,
    object: string,
    field: string,
  ) {
    this.#recorder = recorder
    this.#scope = scope
    this.#asked = { kind: 'reg', store, key: keyOf(object, field) }
    this.#start = recorder.stamp()
  }

  seen(read: FieldRead): void {
    const asked: Asked = { ...this.#asked, op: 'read' }
    this.#recorder.seen(this.#scope, this.#start, asked, shownField(read))
  }

  /** A compareAndSet that found another value, and so wrote nothing. */
  differs(expected: unknown, value: EncodedValue): void {
    const exp = expected === undefined ? null : historyValue(expected)
    const asked: Asked = { ...this.#asked, op: 'cas', exp, arg: shownEncoded(value) }
    this.#recorder.seen(this.#scope, this.#start, asked, undefined, false)
  }
}

/** A field as it stood when it was no more what was seen; it is recorded by who makes use of it. */
export interface FieldChange extends FieldRead {
  readonly recorded: RecordedRead | undefined
}

/** Initial values of a handle, which are named once in a thread. */
export function recordInitials(
  recorder: Recorder,
  scope: Scope,
  store: HistoryStore,
  object: string,
  fields: readonly (readonly [field: string, value: EncodedValue])[],
): void {
  for (const [field, value] of fields) {
    const key = keyOf(object, field)
    recorder.told(scope, { kind: 'reg', store, key, op: 'init', arg: shownEncoded(value) })
  }
}

/** What one section has written: it takes effect together, and is recorded for each field. */
export function beginRelease(
  recorder: Recorder,
  scope: Scope,
  object: string,
  writes: readonly ReleaseWrite[],
): Recording[] {
  const begun: Recording[] = []
  try {
    for (const write of writes) {
      const key = keyOf(object, write[0])
      const asked = { kind: 'reg', store: 'update-on-release', key } as const
      const isRemoval = write.length === 1
      const what = isRemoval
        ? ({ op: 'delete' } as const)
        : ({ op: 'write', arg: shownEncoded(write[1]) } as const)
      begun.push(recorder.begin(scope, { ...asked, ...what }))
    }
  } catch (error) {
    for (const recording of begun) recording.drop()
    throw error
  }
  return begun
}
