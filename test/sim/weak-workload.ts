/** Random operations on Weak objects, in FIFO and in causal order. */
import { type Json, keyOf, noAnswer } from '../../lib/history/format.ts'
import type { ReplicaMachines } from '../../lib/hub/replicas.ts'
import type { FieldState, Operation } from '../../lib/wire/messages.ts'
import type { ReplicaOperation } from '../../lib/wire/replica-messages.ts'
import type { StageClient } from './stage.ts'
import type { StoreRun, Workload } from './store-run.ts'

type WeakStore = 'weak' | 'weak-causal'

const object = 'o'
const registers = ['x', 'y']
const counters = ['m', 'n']

export function weakWorkload(store: WeakStore, machines?: ReplicaMachines): Workload {
  const wrap = (operation: ReplicaOperation): Operation => [store, operation]
  const made = new Map<number, number>()
  const all = new Map<number, StageClient>()
  return {
    name: store,
    ...(machines === undefined ? {} : { machines }),
    hasMaster: false,
    isReplicated: true,
    act(run, client, number) {
      if (number === 0) {
        made.clear()
        all.clear()
      }
      all.set(number, client)
      return new WeakClient({ run, client, number, store, wrap, made, all }).act()
    },
    last: (number) => [
      wrap(['set', object, `last ${number}`, number, null]),
      wrap(['add', object, 'm', 1, null]),
      wrap(['sync']),
      wrap(['fence']),
    ],
    compared: [wrap(['entries', object]), wrap(['entries', 'unrecorded'])],
  }
}

interface WeakParts {
  readonly run: StoreRun
  readonly client: StageClient
  readonly number: number
  readonly store: WeakStore
  readonly wrap: (operation: ReplicaOperation) => Operation
  /** By client: how far it has counted in a field of its own. */
  readonly made: Map<number, number>
  readonly all: ReadonlyMap<number, StageClient>
}

class WeakClient {
  readonly #parts: WeakParts
  #count = 0

  constructor(parts: WeakParts) {
    this.#parts = parts
  }

  async act(): Promise<void> {
    const { run } = this.#parts
    while (!run.isOver) {
      await this.#actOnce()
      await run.think()
    }
  }

  async #actOnce(): Promise<void> {
    const { random } = this.#parts.run
    const chance = random.next()
    if (chance < 0.4) return this.#read(random.pick([...registers, ...counters]))
    if (chance < 0.6) return this.#set(random.pick(registers))
    if (chance < 0.7) return this.#add(random.pick(counters))
    if (chance < 0.82) return this.#countOn()
    if (chance < 0.88) return this.#sync()
    if (chance < 0.94) return this.#fence()
    return this.#actUnrecorded()
  }

  async #record(
    field: string,
    line: { readonly op: 'read' | 'write' | 'add'; readonly arg?: Json },
    operation: ReplicaOperation,
    outOf: (answer: unknown) => { readonly out?: Json },
  ): Promise<void> {
    const { run, client, number, store, wrap } = this.#parts
    const start = run.stage.moment()
    const rest = { client: number, kind: 'reg', store, key: keyOf(object, field), ...line } as const
    const at = run.history.push({ ...rest, ok: true, start, end: noAnswer }) - 1
    const reply = await run.ask(client, wrap(operation))
    const end = run.stage.moment()
    if (reply.type === 'answer') {
      run.history[at] = { ...rest, ...outOf(reply.answer), ok: true, start, end }
    } else if (!reply.maybeExecuted) {
      run.history[at] = { ...rest, op: 'read', ok: true, start, end: noAnswer }
    }
  }

  #read(field: string): Promise<void> {
    return this.#record(field, { op: 'read' }, ['get', object, field, 0], (answer) => {
      const [version, value] = answer as FieldState
      // A counter that nobody has added to as well: that absent counts as 0 is for the checker.
      return { out: version === 0 ? null : (value as Json) }
    })
  }

  #set(field: string): Promise<void> {
    const value = this.#parts.run.value()
    const operation = ['set', object, field, value, null] as const
    return this.#record(field, { op: 'write', arg: value }, operation, () => ({}))
  }

  #add(field: string): Promise<void> {
    const delta = 1 + this.#parts.run.random.below(3)
    const operation = ['add', object, field, delta, null] as const
    return this.#record(field, { op: 'add', arg: delta }, operation, (answer) => ({
      out: (answer as [boolean, number, Json])[2],
    }))
  }

  /** Nobody else writes this field, and what it holds only grows. */
  async #countOn(): Promise<void> {
    const { run, client, number, wrap, made } = this.#parts
    const next = this.#count + 1
    const field = `count ${number}`
    const reply = await run.ask(client, wrap(['set', object, field, next, null]))
    if (reply.type !== 'answer') return
    this.#count = next
    made.set(number, next)
  }

  /** What this client did before is then at every node. */
  async #sync(): Promise<void> {
    const { run, client, number, wrap, all } = this.#parts
    const count = this.#count
    const reply = await run.ask(client, wrap(['sync']))
    if (reply.type !== 'answer') return
    for (const other of all.values()) void this.#expect(other, number, count, 'a sync')
    await run.think()
  }

  /** What all others did before is then here. */
  async #fence(): Promise<void> {
    const { run, client, wrap, made, all } = this.#parts
    const before = [...made]
    const reply = await run.ask(client, wrap(['fence']))
    if (reply.type !== 'answer') return
    const { processes } = run.stage
    for (const [number, count] of before) {
      const other = all.get(number)
      // What a node did that was lost meanwhile may be lost with it.
      if (other === undefined || !processes.includes(other.process)) continue
      await this.#expect(client, number, count, 'a fence')
    }
  }

  async #expect(client: StageClient, number: number, count: number, what: string): Promise<void> {
    const { run, wrap } = this.#parts
    const reply = await client.reply(wrap(['get', object, `count ${number}`, 0]))
    // Who was given up may go on to read what it had: no sync waits for it.
    if (reply.type !== 'answer' || !run.stage.processes.includes(client.process)) return
    const [, value] = reply.answer as FieldState
    if (((value ?? 0) as number) >= count) return
    const where = client.process.name
    run.problem(`after ${what} client ${number} has counted to ${count}, ${where} reads ${value}`)
  }

  /** What the checker has no words for: it must settle, and leave equal replicas. */
  async #actUnrecorded(): Promise<void> {
    const { run, client, wrap } = this.#parts
    const name = 'unrecorded'
    const operations: readonly ReplicaOperation[] = [
      ['init', name, [['x', 0]]],
      ['set', name, 'x', run.value(), null],
      ['add', name, 'x', 1, null],
      ['delete', name, 'x', null],
      ['compareAndSet', name, 'y', undefined, run.value(), null],
      ['keys', name],
      ['entries', name],
    ]
    await run.ask(client, wrap(run.random.pick(operations)))
    const patienceMs = run.random.between(0, 200)
    await run.ask(client, wrap(['wait', name, 'y', 0]), patienceMs)
  }
}
