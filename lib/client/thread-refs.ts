/**
 * The refs that a thread has: objects of them, values that were read, and what the hub is told of
 * both. The hub hears that the thread has a ref with the first object of it, and that it has none
 * with the end of the last: when that was released, or the garbage collector has found it.
 */
import { clientsPerNode, refsPerNode } from '../limits.ts'
import type { Answer, Message, Operation } from '../wire/messages.ts'
import type { RefNews, SharedRefData } from '../wire/ref-messages.ts'
import { wordRefs } from '../wire/shared-words.ts'
import type { RefRestorer } from './clustered.ts'
import { type HeldRef, type Ref, type RefCore, stampRef } from './ref-object.ts'
import { decodePut, encodePut, shareData } from './ref-value.ts'

/** What is needed of the thread's client. */
export interface RefClient {
  readonly id: number
  readonly lost: Error | undefined
  readonly channel: { readonly hubWords: Int32Array }
  send(message: Message): void
  askAsync(owner: number, operation: Operation): Promise<Answer>
  askBlocking(owner: number, operation: Operation): Answer
}

const collected = new FinalizationRegistry<HeldRef>((held) => {
  if (held.released) return
  held.released = true
  held.core.letGo()
})

export class ThreadRefs implements RefRestorer {
  /** False in a simulation, where the garbage collector would be one more source of chance. */
  followsCollector = true
  readonly #client: RefClient
  readonly #cores = new Map<number, Core>()

  constructor(client: RefClient) {
    this.#client = client
  }

  /** @throws {GoawayError} ERR_GOAWAY_VALUE */
  put(value: unknown): Ref<unknown> {
    const { id, channel } = this.#client
    const data = encodePut(value)
    const number = Atomics.add(channel.hubWords, wordRefs, 1) >>> 0
    const ref = Math.floor(id / clientsPerNode) * refsPerNode + number
    this.#client.send(['refs', ['put', ref, data]])
    const core = new Core(ref, this, this.#client, shareData(data))
    this.#cores.set(ref, core)
    return this.#stamp({}, core)
  }

  restore(target: object, ref: number): void {
    let core = this.#cores.get(ref)
    if (core === undefined) {
      this.tell(['take', ref])
      core = new Core(ref, this, this.#client)
      this.#cores.set(ref, core)
    }
    this.#stamp(target, core)
  }

  #stamp(target: object, core: Core): Ref<unknown> {
    core.objects++
    const held: HeldRef = { core, released: false }
    const ref = stampRef(target, held)
    if (this.followsCollector) collected.register(ref, held)
    return ref
  }

  delivered(refs: readonly number[]): void {
    this.tell(['delivered', refs])
  }

  /** Where there is no hub any more, there is nobody to tell. */
  tell(news: RefNews): void {
    if (this.#client.lost === undefined) this.#client.send(['refs', news])
  }

  forget(ref: number): void {
    this.#cores.delete(ref)
    this.tell(['drop', ref])
  }
}

class Core implements RefCore {
  readonly ref: number
  readonly home: ThreadRefs
  /** Those that were made and are not released. */
  objects = 0
  readonly #client: RefClient
  #data: SharedRefData | undefined
  #asked: Promise<SharedRefData> | undefined
  /** Frozen throughout. */
  #decoded: { readonly value: unknown } | undefined

  constructor(ref: number, home: ThreadRefs, client: RefClient, data?: SharedRefData) {
    this.ref = ref
    this.home = home
    this.#client = client
    this.#data = data
  }

  async get(shared: boolean): Promise<unknown> {
    if (this.#data === undefined) {
      this.#asked ??= this.#client.askAsync(0, ['ref', this.ref]) as Promise<SharedRefData>
      this.#data = await this.#asked
    }
    return this.#decode(this.#data, shared)
  }

  read(shared: boolean): unknown {
    this.#data ??= this.#client.askBlocking(0, ['ref', this.ref]) as SharedRefData
    return this.#decode(this.#data, shared)
  }

  #decode(data: SharedRefData, shared: boolean): unknown {
    if (this.#decoded !== undefined) return this.#decoded.value
    const { value, shareable } = decodePut(data, shared)
    if (shareable) this.#decoded = { value }
    return value
  }

  letGo(): void {
    if (--this.objects === 0) this.home.forget(this.ref)
  }
}
