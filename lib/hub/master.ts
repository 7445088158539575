/**
 * Serves strict objects and locks on this node: drives their two machines and joins them by fences.
 */
import { recordOf } from '../client/error-codec.ts'
import { GoawayError } from '../errors.ts'
import { type LockInput, type LockOutput, lock } from '../protocol/lock.ts'
import { type StrictInput, type StrictOutput, strict } from '../protocol/strict.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { Fences, LockOperation, Operation, StrictOperation } from '../wire/messages.ts'
import type { StoreReplies, StoreRequest, Stores } from './stores.ts'

export class Master implements Stores {
  readonly #strict = strict.initial()
  readonly #lock = lock.initial()
  readonly #replies: StoreReplies
  readonly #isForeign: ((lock: string) => boolean) | undefined
  /** The request that is being taken: only it can be parked. */
  #taken: StoreRequest | undefined

  /** @param isForeign whether a lock is served by another node; none is if it is left out */
  constructor(replies: StoreReplies, isForeign?: (lock: string) => boolean) {
    this.#replies = replies
    this.#isForeign = isForeign
  }

  counts(): { objects: number; locks: number } {
    return { objects: this.#strict.objects.size, locks: this.#lock.locks.size }
  }

  request(request: StoreRequest): void {
    const { operation } = request
    this.#taken = request
    if (isLockOperation(operation)) {
      this.#stepLock({ type: 'request', ...request, operation })
    } else {
      const { client, call } = request
      const marked =
        this.#isForeign === undefined ? operation : markForeign(operation, this.#isForeign)
      this.#stepStrict({ type: 'request', client, call, operation: marked })
    }
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

  #stepStrict(input: StrictInput): void {
    for (const output of strict.step(this.#strict, input)) this.#perform(output)
  }

  #stepLock(input: LockInput): void {
    for (const output of lock.step(this.#lock, input)) {
      if (output.type === 'granted') {
        this.#stepStrict({ type: 'lockGranted', lock: output.lock, token: output.token })
      } else if (output.type === 'freed') {
        this.#stepStrict({ type: 'lockFreed', lock: output.lock, token: output.token })
      } else if (output.type !== 'forgotten') this.#perform(output)
    }
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
  switch (operation[0]) {
    case 'set':
    case 'add':
    case 'compareAndSet':
    case 'replace':
    case 'delete': {
      const fences = operation.at(-1) as Fences
      if (fences === null || !fences.some(([lock]) => isForeign(lock))) return operation
      const marked = fences.map(([lock, token]) =>
        isForeign(lock) ? [lock, token, 1] : [lock, token],
      )
      return [...operation.slice(0, -1), marked] as unknown as StrictOperation
    }
    default:
      return operation
  }
}

function isLockOperation(operation: Operation): operation is LockOperation {
  const name = operation[0]
  return name === 'acquire' || name === 'release' || name === 'tryAcquire'
}
