/**
 * A simulated cluster as tests of the stores see it: clients that ask and pause, and moments that
 * tell what came before what.
 */

import type { ReplicaMachines } from '../../lib/hub/replicas.ts'
import { isReplicated } from '../../lib/hub/stores.ts'
import type { SimulatedProcess } from '../../lib/sim/simulated-process.ts'
import { World } from '../../lib/sim/world.ts'
import type { SharedStore } from '../../lib/wire/memory-messages.ts'
import type { Answer, EncodedValue, FieldState, Operation } from '../../lib/wire/messages.ts'

export interface StageOptions {
  readonly seed: number
  readonly nodes: number
  readonly placement?: 'first' | 'hash'
  readonly machines?: ReplicaMachines | undefined
  readonly delayMs?: readonly [least: number, most: number]
  readonly nodeTimeoutMs?: number
  readonly linkGraceMs?: number
  /** The spawner waits for leases as if they were so short. */
  readonly spawnerTimeoutMs?: number | undefined
}

export type Reply =
  | { readonly type: 'answer'; readonly answer: Answer }
  | { readonly type: 'refuse'; readonly code: string; readonly maybeExecuted: boolean }

/** With these a lease ends some 0.8 s after it was asked for. */
export const stageTimes = { nodeTimeoutMs: 1000, linkGraceMs: 400 }

type Hub = ReturnType<SimulatedProcess['client']>

interface Read {
  readonly store: SharedStore
  readonly object: string
  readonly field: string
  readonly seen: number
}

function readOf(operation: Operation): Read | undefined {
  const replicated = isReplicated(operation)
  const [name, object, field, seen] = (replicated ? operation[1] : operation) as readonly unknown[]
  if (name !== 'get') return undefined
  const store = replicated ? operation[0] : 'strict'
  return { store, object, field, seen } as Read
}

/** As a master answers. */
function answerOf(found: FieldState, seen: number): FieldState {
  return found[0] !== 0 && found[0] === seen ? [seen] : found
}

/** One sequential caller. */
export class StageClient {
  readonly process: SimulatedProcess
  readonly #hub: Hub
  #reads = 0

  constructor(process: SimulatedProcess) {
    this.process = process
    this.#hub = process.client()
  }

  /** Never settles if its process ends before. */
  reply(operation: Operation): Promise<Reply> {
    return this.begin(operation).reply
  }

  /** The same, and its number, by which it can be given up. */
  begin(operation: Operation): { readonly call: number; readonly reply: Promise<Reply> } {
    const read = readOf(operation)
    // As a thread may do both, so does a client: most reads are from its node's memory.
    if (read !== undefined && this.#reads++ % 4 !== 3) {
      return { call: 0, reply: this.#readHere(read, operation) }
    }
    return this.#ask(operation)
  }

  /** Reads from the memory of its process, as handles do, when that process next does anything. */
  async #readHere(read: Read, operation: Operation): Promise<Reply> {
    const { clock } = this.process
    const object = this.#hub.objects.of(read.store, read.object)
    for (;;) {
      const found = await new Promise<FieldState | undefined>((resolve) =>
        clock.setImmediate(() => {
          const { version, value } = object.read(read.field) ?? {}
          resolve(version === undefined ? undefined : [version, value as EncodedValue])
        }),
      )
      if (found !== undefined) return { type: 'answer', answer: answerOf(found, read.seen) }
      const wanted = object.wants(read.field)
      if (wanted === undefined) return this.#ask(operation).reply
      const given = await this.#ask(wanted).reply
      if (given.type === 'refuse') return given
      if (!object.provide(wanted, given.answer)) return this.#ask(operation).reply
    }
  }

  #ask(operation: Operation): { readonly call: number; readonly reply: Promise<Reply> } {
    let call = 0
    const reply = new Promise<Reply>((resolve) => {
      const refused = (error: unknown): void => {
        const { code, maybeExecuted } = error as { code: string; maybeExecuted?: boolean }
        resolve({ type: 'refuse', code, maybeExecuted: maybeExecuted === true })
      }
      const answered = (answer: Answer): void => resolve({ type: 'answer', answer })
      call = this.#hub.ask(0, operation, answered, refused)
    })
    return { call, reply }
  }

  giveUp(call: number): void {
    this.#hub.forget(call)
  }

  /** @throws if it is refused */
  async ask(operation: Operation): Promise<Answer> {
    const reply = await this.reply(operation)
    if (reply.type === 'answer') return reply.answer
    throw new Error(`${JSON.stringify(operation)} was refused: ${reply.code}`)
  }
}

export class Stage {
  readonly world: World
  #moment = 0

  constructor({ machines, spawnerTimeoutMs, ...options }: StageOptions) {
    this.world = new World({
      ...stageTimes,
      ...options,
      ...(machines === undefined ? {} : { replicaMachines: machines }),
      ...(spawnerTimeoutMs === undefined ? {} : { spawnerTimeoutMs }),
    })
  }

  get now(): number {
    return this.world.now
  }

  /** No two moments are alike. */
  moment(): number {
    return ++this.#moment
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.world.agenda.plan(ms, resolve))
  }

  /** Processes that take part, by the machines' order. */
  get processes(): SimulatedProcess[] {
    const { members } = this.world
    return members.map((name) => this.world.node(name)).filter(({ isDead }) => !isDead)
  }

  /** Lets time go on for so long, or until it is over. */
  async run(ms: number, isOver: () => boolean = () => false): Promise<void> {
    const { agenda } = this.world
    const until = this.now + ms
    await this.world.run(0)
    while (!isOver() && agenda.nextAt <= until) await this.world.step()
    if (!isOver()) agenda.skipTo(until)
  }

  /** @throws if it takes longer */
  async settle<T>(promise: Promise<T>, limitMs: number): Promise<T> {
    return this.world.settle(promise, limitMs)
  }

  close(): void {
    this.world.close()
  }
}
