/** Random operations on objects whose fields are linearizable: Strict and LinFastRead. */
import {
  type HistoryOperation,
  type HistoryStore,
  type Json,
  keyOf,
  noAnswer,
} from '../../lib/history/format.ts'
import type { ReplicaMachines } from '../../lib/hub/replicas.ts'
import type { Random } from '../../lib/sim/random.ts'
import type { FieldState, Operation, WriteOutcome } from '../../lib/wire/messages.ts'
import type { ReplicaOperation } from '../../lib/wire/replica-messages.ts'
import type { StageClient } from './stage.ts'
import type { StoreRun, Workload } from './store-run.ts'

type Wrap = (operation: ReplicaOperation) => Operation
type Known = readonly [version: number, value: Json]

const objects = ['a', 'b']
const registers = ['x', 'y']
const counter = 'n'

export function registerWorkload(
  store: 'strict' | 'lin-fast-read',
  machines?: ReplicaMachines,
): Workload {
  const wrap: Wrap = (operation) =>
    store === 'strict' ? (operation as Operation) : [store, operation]
  return {
    name: store,
    ...(machines === undefined ? {} : { machines }),
    hasMaster: store === 'strict',
    isReplicated: store !== 'strict',
    act: (run, client) => new RegisterClient(run, client, store, wrap).act(),
    last: (number) => [
      wrap(['set', 'a', `last ${number}`, number, null]),
      wrap(['add', 'b', counter, 1, null]),
    ],
    compared: objects.flatMap((object) => [wrap(['entries', object]), wrap(['keys', object])]),
  }
}

/** What is written down of an operation before it is asked. */
type Line = Pick<HistoryOperation, 'op' | 'arg' | 'exp'>
/** What its answer adds. */
type Outcome = Pick<HistoryOperation, 'out' | 'ok'>

class RegisterClient {
  readonly #run: StoreRun
  readonly #client: StageClient
  readonly #store: HistoryStore
  readonly #wrap: Wrap
  readonly #random: Random
  /** What it has read of each field, for operations that go by the version. */
  readonly #known = new Map<string, Known>()

  constructor(run: StoreRun, client: StageClient, store: HistoryStore, wrap: Wrap) {
    this.#run = run
    this.#client = client
    this.#store = store
    this.#wrap = wrap
    this.#random = run.random
  }

  async act(): Promise<void> {
    const run = this.#run
    // Whoever comes later names it in vain.
    for (const object of objects) {
      if (run.random.chance(0.5) || run.history.length > 0) {
        await run.ask(this.#client, this.#wrap(['init', object, [[`i${object}`, 0]]]))
      }
    }
    while (!run.isOver) {
      await this.#actOnce(this.#random.pick(objects))
      await run.think()
    }
  }

  async #actOnce(object: string): Promise<void> {
    const chance = this.#random.next()
    const field = this.#random.pick(registers)
    if (chance < 0.35) return this.#read(object, this.#random.pick([...registers, counter]))
    if (chance < 0.5) return this.#set(object, field)
    if (chance < 0.6) return this.#add(object)
    if (chance < 0.7) return this.#compareAndSet(object, field)
    if (chance < 0.78) return this.#replace(object, field)
    if (chance < 0.83) return this.#delete(object, field)
    if (chance < 0.92) return this.#wait(object, field)
    return this.#list(object)
  }

  /** Each line has a client of its own: nothing here depends on the order of one client's. */
  async #record(
    object: string,
    field: string,
    line: Line,
    operation: ReplicaOperation,
    outcomeOf: (answer: unknown) => Outcome | Line,
    patienceMs?: number,
  ): Promise<void> {
    const run = this.#run
    const start = run.stage.moment()
    const client = start
    const rest = { client, kind: 'reg', store: this.#store, key: keyOf(object, field) } as const
    const at = run.history.push({ ...rest, ...line, ok: true, start, end: noAnswer }) - 1
    const reply = await run.ask(this.#client, this.#wrap(operation), patienceMs)
    const end = run.stage.moment()
    if (reply.type === 'answer') {
      run.history[at] = { ...rest, ...line, ok: true, ...outcomeOf(reply.answer), start, end }
    } else if (!reply.maybeExecuted) {
      // As if it had never been asked; a read without an answer says nothing.
      run.history[at] = { ...rest, op: 'read', ok: true, start, end: noAnswer }
    }
  }

  #read(object: string, field: string): Promise<void> {
    const [seen] = this.#random.chance(0.5) ? this.#knownOf(object, field) : [0]
    const operation = ['get', object, field, seen] as const
    return this.#record(object, field, { op: 'read' }, operation, (answer) => ({
      out: this.#learn(object, field, answer as FieldState),
      ok: true,
    }))
  }

  #knownOf(object: string, field: string): Known {
    return this.#known.get(keyOf(object, field)) ?? [0, null]
  }

  #learn(object: string, field: string, state: FieldState): Json {
    const [version, value] = state
    const known = this.#knownOf(object, field)
    if (state.length === 1 && version !== known[0]) {
      this.#run.problem(`get of ${object}.${field} says unchanged of version ${known[0]}`)
    }
    const json = version === 0 ? null : state.length === 1 ? known[1] : (value as Json)
    this.#known.set(keyOf(object, field), [version, json])
    return json
  }

  #set(object: string, field: string): Promise<void> {
    const value = this.#run.value()
    const operation = ['set', object, field, value, null] as const
    return this.#record(object, field, { op: 'write', arg: value }, operation, () => ({ ok: true }))
  }

  #add(object: string): Promise<void> {
    const delta = 1 + this.#random.below(3)
    const operation = ['add', object, counter, delta, null] as const
    return this.#record(object, counter, { op: 'add', arg: delta }, operation, (answer) => ({
      out: (answer as WriteOutcome)[2] as Json,
      ok: true,
    }))
  }

  #compareAndSet(object: string, field: string): Promise<void> {
    const [, exp] = this.#knownOf(object, field)
    const value = this.#run.value()
    const operation = ['compareAndSet', object, field, exp ?? undefined, value, null] as const
    const line = { op: 'cas', exp, arg: value } as const
    return this.#record(object, field, line, operation, (answer) => ({
      ok: (answer as WriteOutcome)[0],
    }))
  }

  /** It is a cas when it takes place, for no value is written twice, and a read if not. */
  #replace(object: string, field: string): Promise<void> {
    const [version, exp] = this.#knownOf(object, field)
    const value = this.#run.value()
    const operation = ['replace', object, field, version, value, null] as const
    const line = { op: 'cas', exp, arg: value } as const
    return this.#record(object, field, line, operation, (answer) => {
      const [done, nowVersion, now] = answer as WriteOutcome
      if (done) return { ok: true }
      return { op: 'read', out: nowVersion === 0 ? null : (now as Json), ok: true }
    })
  }

  #delete(object: string, field: string): Promise<void> {
    const operation = ['delete', object, field, null] as const
    return this.#record(object, field, { op: 'delete' }, operation, (answer) => ({
      out: answer as boolean,
      ok: true,
    }))
  }

  #wait(object: string, field: string): Promise<void> {
    const [seen] = this.#knownOf(object, field)
    const operation = ['wait', object, field, seen] as const
    const readOf = (answer: unknown): Outcome => ({
      out: this.#learn(object, field, answer as FieldState),
      ok: true,
    })
    const patienceMs = this.#random.between(0, 300)
    return this.#record(object, field, { op: 'read' }, operation, readOf, patienceMs)
  }

  /** Of several fields: a read of each, of the same time. */
  async #list(object: string): Promise<void> {
    const run = this.#run
    const start = run.stage.moment()
    const reply = await run.ask(this.#client, this.#wrap(['entries', object]))
    const end = run.stage.moment()
    if (reply.type !== 'answer') return
    const rows = new Map((reply.answer as [string, number, Json][]).map((row) => [row[0], row]))
    for (const field of [...registers, counter]) {
      const row = rows.get(field)
      const out = row === undefined ? null : row[2]
      const key = keyOf(object, field)
      const client = run.stage.moment()
      const rest = { client, kind: 'reg', store: this.#store, key } as const
      run.history.push({ ...rest, op: 'read', out, ok: true, start, end })
      this.#known.set(key, [row?.[1] ?? 0, out])
    }
  }
}
