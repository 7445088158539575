/**
 * Random critical sections and reads without a lock on UpdateOnRelease objects. A version is the
 * number of the log's entry that wrote it, so that answers tell exactly which part of the log a
 * reader has seen.
 */
import type { ReplicaMachines } from '../../lib/hub/replicas.ts'
import type { FieldState, Operation } from '../../lib/wire/messages.ts'
import type { ReplicaOperation } from '../../lib/wire/replica-messages.ts'
import { ReleaseLog } from './release-log.ts'
import { StageClient } from './stage.ts'
import type { StoreRun, Workload } from './store-run.ts'

const objects = ['a', 'b']
const fields = ['x', 'y']
/** Written by whoever wants it acknowledged by all, and never deleted. */
const marker = 'marker'

const wrap = (operation: ReplicaOperation): Operation => ['update-on-release', operation]

export function releaseWorkload(machines?: ReplicaMachines): Workload {
  let log = new ReleaseLog()
  return {
    name: 'update-on-release',
    ...(machines === undefined ? {} : { machines }),
    hasMaster: true,
    isReplicated: true,
    act(run, client, number) {
      if (number === 0) log = new ReleaseLog()
      return new ReleaseClient(run, client, number, log).act()
    },
    last: () => [],
    compared: objects.map((object) => wrap(['entries', object])),
    judge(run) {
      for (const problem of log.problems()) run.problem(problem)
    },
  }
}

class ReleaseClient {
  readonly #run: StoreRun
  readonly #client: StageClient
  readonly #number: number
  readonly #log: ReleaseLog

  constructor(run: StoreRun, client: StageClient, number: number, log: ReleaseLog) {
    this.#run = run
    this.#client = client
    this.#number = number
    this.#log = log
  }

  async act(): Promise<void> {
    const run = this.#run
    while (!run.isOver) {
      const object = run.random.pick(objects)
      const chance = run.random.next()
      if (chance < 0.45) await this.#read(object, run.random.pick(fields))
      else if (chance < 0.6) await this.#list(object)
      else if (chance < 0.65) await this.#wait(object)
      else await this.#section(object)
      await run.think()
    }
  }

  #ask(operation: ReplicaOperation, patienceMs?: number): ReturnType<StoreRun['ask']> {
    return this.#run.ask(this.#client, wrap(operation), patienceMs)
  }

  async #read(object: string, field: string): Promise<FieldState | undefined> {
    const reply = await this.#ask(['get', object, field, 0])
    if (reply.type !== 'answer') return undefined
    const state = reply.answer as FieldState
    this.#log.saw(this.#number, object, [[field, state]])
    return state
  }

  async #list(object: string): Promise<void> {
    const reply = await this.#ask(['entries', object])
    if (reply.type !== 'answer') return
    const rows = reply.answer as readonly (readonly [string, number, number])[]
    const shown = fields.map((field) => {
      const row = rows.find(([name]) => name === field)
      return [field, row === undefined ? [0] : [row[1], row[2]]] as [string, FieldState]
    })
    this.#log.saw(this.#number, object, shown)
  }

  async #wait(object: string): Promise<void> {
    const patienceMs = this.#run.random.between(0, 300)
    const reply = await this.#ask(['wait', object, 'x', 0], patienceMs)
    if (reply.type !== 'answer') return
    this.#log.saw(this.#number, object, [['x', reply.answer as FieldState]])
  }

  async #section(object: string): Promise<void> {
    const { random } = this.#run
    const askedAt = this.#run.stage.moment()
    const name = random.chance(0.8) ? 'acquire' : 'tryAcquire'
    const patienceMs = random.chance(0.3) ? random.between(0, 400) : undefined
    const granted = await this.#ask([name, object], patienceMs)
    if (granted.type !== 'answer' || granted.answer === 0) return
    const token = granted.answer as number
    const least = this.#log.releasedBefore(object, askedAt)
    const read = new Map<string, FieldState>()
    for (const field of fields) {
      const state = await this.#read(object, field)
      if (state !== undefined) read.set(field, state)
    }
    if (random.chance(0.3)) await this.#run.think()
    await this.#release(object, token, { read, least })
  }

  async #release(
    object: string,
    token: number,
    seen: { readonly read: ReadonlyMap<string, FieldState>; readonly least: number },
  ): Promise<void> {
    const { random, stage } = this.#run
    const ackAll = random.chance(0.2)
    const written = fields.filter(() => random.chance(0.6)).map((field) => this.#write(field))
    const writes = ackAll ? [...written, [marker, this.#run.value()] as const] : written
    const release = this.#log.open(this.#number, object, writes, seen)
    const reply = await this.#ask(['release', object, token, writes, ackAll, null])
    if (reply.type === 'answer') {
      release.answered(reply.answer as number, stage.moment())
      if (ackAll) await this.#expectEverywhere(object, reply.answer as number)
      if (random.chance(0.2)) await this.#releaseAgain(object, token)
    } else if (!reply.maybeExecuted) release.refused()
  }

  #write(field: string): readonly [string, number] | readonly [string] {
    return this.#run.random.chance(0.1) ? [field] : [field, this.#run.value()]
  }

  /** Who has released holds nothing any more. */
  async #releaseAgain(object: string, token: number): Promise<void> {
    const writes = [['x', this.#run.value()]]
    const reply = await this.#ask(['release', object, token, writes, false, null])
    if (reply.type === 'refuse') return
    this.#run.problem(`client ${this.#number} released ${object} twice with token ${token}`)
  }

  /** Every replica has at least what has just been acknowledged by all. */
  async #expectEverywhere(object: string, gseq: number): Promise<void> {
    const { stage } = this.#run
    for (const process of stage.processes) void this.#expect(new StageClient(process), object, gseq)
    await this.#run.think()
  }

  async #expect(other: StageClient, object: string, gseq: number): Promise<void> {
    const reply = await other.reply(wrap(['get', object, marker, 0]))
    if (reply.type !== 'answer') return
    const [version] = reply.answer as FieldState
    if (version >= gseq) return
    const where = other.process.name
    this.#run.problem(`entry ${gseq} is acknowledged by all, and ${where} shows ${version}`)
  }
}
