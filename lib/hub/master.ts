/**
 * Serves strict objects and locks on this node: drives their two machines and joins them by fences.
 */
import { recordOf } from '../client/error-codec.ts'
import { GoawayError } from '../errors.ts'
import type { Recorder } from '../history/recorder.ts'
import { type LockInput, type LockOutput, lock } from '../protocol/lock.ts'
import { isObjectLock } from '../protocol/lock-state.ts'
import type { LockOrder } from '../protocol/replica.ts'
import { type StrictInput, type StrictOutput, strict } from '../protocol/strict.ts'
import { cellsAfter, strictCells } from '../protocol/strict-cells.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { MemoryOperation } from '../wire/memory-messages.ts'
import type { StrictOperation } from '../wire/messages.ts'
import { fencesIn, isLockOperation } from './operations.ts'
import type { Published } from './published.ts'
import type { LockListener, ReplicaLocks } from './replicas-host.ts'
import type { HeldHere, OwnStores, StoreReplies, StoreRequest } from './stores.ts'

type OpenOperation = Extract<MemoryOperation, readonly ['open', ...unknown[]]>

export class Master implements OwnStores, ReplicaLocks {
  readonly #published: Published | undefined
  readonly #strict = strict.initial()
  readonly #lock = lock.initial()
  readonly #replies: StoreReplies
  readonly #recorder: Recorder | undefined
  readonly #isForeign: ((lock: string) => boolean) | undefined
  /** The request that is being taken: only it can be parked. */
  #taken: StoreRequest | undefined
  #listener: LockListener | undefined
  /** Calls of the listener's orders without an answer, by client: it alone hears of these. */
  readonly #ordered = new Map<number, Set<number>>()

  /**
   * @param isForeign whether a lock is served by another node; none is if it is left out
   * @param published where threads of this node read objects by themselves, if they do
   */
  constructor(
    replies: StoreReplies,
    isForeign?: (lock: string) => boolean,
    recorder?: Recorder,
    published?: Published,
  ) {
    this.#published = published
    this.#replies = replies
    this.#recorder = recorder
    this.#isForeign = isForeign
  }

  counts(): { objects: number; locks: number } {
    return { objects: this.#strict.objects.size, locks: this.#lock.locks.size }
  }

  request(request: StoreRequest): void {
    const { operation } = request
    if (operation[0] === 'open') return this.#open(request, operation)
    this.#taken = request
    if (isLockOperation(operation)) {
      this.#stepLock({ type: 'request', ...request, operation })
    } else {
      const { client, call } = request
      // Whatever else another node may ask for, the machine does not know and refuses.
      const asked = operation as StrictOperation
      const marked = this.#isForeign === undefined ? asked : markForeign(asked, this.#isForeign)
      const before = this.#versionOf(asked)
      const outputs = strict.step(this.#strict, {
        type: 'request',
        client,
        call,
        operation: marked,
      })
      // A deletion gives no version.
      const hasChanged = asked[0] === 'delete' || this.#versionOf(asked) !== before
      if (hasChanged) this.#show(asked)
      for (const output of outputs) this.#perform(output)
    }
  }

  /** A thread of this node is to read the object by itself from now on. */
  #open({ client, call }: StoreRequest, operation: OpenOperation): void {
    const rows = () => strictCells(this.#strict, operation[2])
    this.#replies.answer(client, call, this.#published?.open(operation, rows) ?? 0)
  }

  tell(listener: LockListener): void {
    this.#listener = listener
  }

  order(order: LockOrder): void {
    const { client, call } = order
    if (!('operation' in order)) return this.#leaveQueue(client, call)
    if (call !== 0) {
      const calls = this.#ordered.get(client)
      if (calls === undefined) this.#ordered.set(client, new Set([call]))
      else calls.add(call)
    }
    this.#stepLock({ ...order, type: 'request' })
  }

  /** Of an order: whoever gave it wants no answer any more. */
  #leaveQueue(client: number, call: number): void {
    const calls = this.#ordered.get(client)
    if (calls?.delete(call) !== true) return
    if (calls.size === 0) this.#ordered.delete(client)
    this.#stepLock({ type: 'forget', client, call })
  }

  forget(client: number, call: number, reason: ErrorRecord): void {
    let waited = this.#strict.waiting.get(client)?.has(call) === true
    this.#stepStrict({ type: 'forget', client, call })
    for (const output of lock.step(this.#lock, { type: 'forget', client, call })) {
      if (output.type === 'forgotten' && output.forgotten) waited = true
    }
    // Whoever is answered although it gave up gives back what it was granted.
    if (waited) this.#replies.refuse(client, call, reason)
  }

  ownerEnded(client: number, owner: number): void {
    this.#stepLock({ type: 'ownerEnded', client, owner })
  }

  clientLost(client: number): void {
    this.#stepStrict({ type: 'clientLost', client })
    this.#stepLock({ type: 'clientLost', client })
  }

  sessionEnded(clients: readonly number[], session: number): void {
    this.#stepLock({ type: 'sessionEnded', clients, session })
  }

  holds(name: string, token: number): boolean {
    return this.#lock.locks.get(name)?.token === token
  }

  held(): Iterable<HeldHere> {
    return this.#lock.locks.values()
  }

  /** The version last given to a field of the object. */
  #versionOf(operation: StrictOperation): number | undefined {
    return this.#strict.objects.get(operation[1])?.version
  }

  /** Before the write is answered: who hears of it finds it. */
  #show(operation: StrictOperation): void {
    const object = operation[1]
    if (this.#published?.isOpen('strict', object) !== true) return
    const changes = cellsAfter(this.#strict, operation).map((row) => ({ object, ...row }))
    this.#published.show('strict', changes)
  }

  #stepStrict(input: StrictInput): void {
    for (const output of strict.step(this.#strict, input)) this.#perform(output)
  }

  #stepLock(input: LockInput): void {
    const start = this.#recorder?.stamp() ?? 0
    for (const output of lock.step(this.#lock, input)) {
      if (output.type === 'granted') this.#changed('lockGranted', output.lock, output.token)
      else if (output.type === 'freed') this.#freed(output.lock, output.token, start)
      else if (output.type !== 'forgotten' && !this.#isOrdered(output)) this.#perform(output)
    }
  }

  /** Nobody else knows when it was freed, or that it was at all where its holder is gone. */
  #freed(key: string, token: number, start: number): void {
    this.#changed('lockFreed', key, token)
    // A history has no sections of an object, but the writes that they released.
    if (isObjectLock(key)) return
    const asked = { kind: 'lock', store: 'lock', key, op: 'release', arg: token } as const
    this.#recorder?.seen(this, start, asked, undefined)
  }

  #changed(type: 'lockGranted' | 'lockFreed', name: string, token: number): void {
    this.#stepStrict({ type, lock: name, token })
    this.#listener?.changed(type, name, token)
  }

  /** Whether that was said of an order, and so to the listener alone. */
  #isOrdered(output: Exclude<LockOutput, { type: 'granted' | 'freed' | 'forgotten' }>): boolean {
    const { client, call } = output
    const calls = this.#ordered.get(client)
    if (calls?.has(call) !== true) return false
    if (output.type === 'parked') return true
    calls.delete(call)
    if (calls.size === 0) this.#ordered.delete(client)
    if (output.type === 'answer') {
      this.#listener?.news({ type: 'lockAnswered', client, call, token: output.answer ?? 0 })
    } else {
      const { code, message } = output
      this.#listener?.news({ type: 'lockRefused', client, call, code, message })
    }
    return true
  }

  #perform(
    output: Exclude<LockOutput | StrictOutput, { type: 'granted' | 'freed' | 'forgotten' }>,
  ): void {
    const { client, call } = output
    switch (output.type) {
      case 'answer':
        return this.#replies.answer(client, call, output.answer)
      case 'refuse': {
        const error = new GoawayError(output.code, output.message)
        return this.#replies.refuse(client, call, recordOf(error))
      }
      case 'parked':
        return this.#replies.parked(this.#taken as StoreRequest)
    }
  }
}

/** The object's master does not know who holds a lock that another node serves. */
function markForeign(
  operation: StrictOperation,
  isForeign: (lock: string) => boolean,
): StrictOperation {
  const fences = fencesIn(operation)
  if (fences === null || !fences.some(([lock]) => isForeign(lock))) return operation
  const marked = fences.map(([lock, token]) => (isForeign(lock) ? [lock, token, 1] : [lock, token]))
  return [...operation.slice(0, -1), marked] as unknown as StrictOperation
}
