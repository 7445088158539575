/**
 * One seed of one store: clients at all nodes do this and that while faults are on. Then all is
 * healed: whoever asks is answered, and the replicas are equal. What the clients saw meanwhile has
 * to be what the store promises.
 */
import { check } from '../../lib/check/check-history.ts'
import type { HistoryOperation } from '../../lib/history/format.ts'
import type { ReplicaMachines } from '../../lib/hub/replicas.ts'
import { applyFaults, planFaults } from '../../lib/sim/faults.ts'
import { Random } from '../../lib/sim/random.ts'
import type { Operation } from '../../lib/wire/messages.ts'
import { type Reply, Stage, StageClient } from './stage.ts'

export interface Workload {
  readonly name: string
  readonly machines?: ReplicaMachines
  /** It is lost with the first node, so that this one seldom crashes. */
  readonly hasMaster: boolean
  /** Each node has a copy of its own. */
  readonly isReplicated: boolean
  /** What a client does, until the run is over. `number`: no other client has it. */
  act(run: StoreRun, client: StageClient, number: number): Promise<void>
  /** Once all is well again, one after the other: what a client asks, which has to be answered. */
  readonly last: (number: number) => readonly Operation[]
  /** Asked of every node at the end: the answers have to be equal. */
  readonly compared: readonly Operation[]
  /** What the history alone does not tell. */
  judge?(run: StoreRun): void
}

export interface RunOptions {
  readonly seed: number
  /** How long there are faults. */
  readonly faultMs: number
  /** Clients of each process. */
  readonly clients: number
  /** See {@link StageOptions}. */
  readonly spawnerTimeoutMs?: number
}

/** A client thinks so long at most before it asks again. */
const thinkMs = 120
/** Time for the cluster to find together, and for what was asked before to be answered. */
const healMs = 8_000

export class StoreRun {
  readonly stage: Stage
  readonly random: Random
  readonly history: HistoryOperation[] = []
  readonly problems: string[] = []
  readonly workload: Workload
  readonly seed: number
  /** What is asked and not answered. */
  readonly #open = new Map<
    object,
    { readonly operation: Operation; readonly client: StageClient }
  >()
  readonly #options: RunOptions
  readonly #clients = new Map<number, StageClient[]>()
  #clientCount = 0
  #valueCount = 0
  isOver = false
  /** Steps taken, operations answered. */
  answered = 0

  constructor(workload: Workload, options: RunOptions) {
    this.workload = workload
    this.#options = options
    this.seed = options.seed
    this.random = new Random(options.seed).stream('clients')
    const nodes = this.random.pick([1, 2, 3, 3, 4])
    const placement = this.random.chance(0.5) ? 'first' : 'hash'
    const { machines } = workload
    const delayMs = [0.1, this.random.pick([5, 20, 80])] as const
    const { seed, spawnerTimeoutMs } = options
    this.stage = new Stage({ seed, nodes, placement, delayMs, machines, spawnerTimeoutMs })
  }

  /** Never the same twice. */
  value(): number {
    return ++this.#valueCount
  }

  problem(text: string): void {
    this.problems.push(`${this.workload.name}, seed ${this.seed}: ${text}`)
  }

  think(): Promise<void> {
    return this.stage.pause(this.random.next() ** 2 * thinkMs)
  }

  /** Asks; what is not answered in time may be given up, where that has a meaning. */
  async ask(client: StageClient, operation: Operation, patienceMs = Infinity): Promise<Reply> {
    const { call, reply } = client.begin(operation)
    const mark = {}
    this.#open.set(mark, { operation, client })
    if (patienceMs < Infinity) void this.stage.pause(patienceMs).then(() => client.giveUp(call))
    const said = await reply
    this.#open.delete(mark)
    this.answered++
    return said
  }

  /** Runs the seed; what it found is in `problems`. */
  async run(): Promise<void> {
    const { stage } = this
    const { faultMs } = this.#options
    await stage.run(500)
    const { nodeNames } = this
    const rare = this.workload.hasMaster && this.random.chance(0.85)
    const spared = rare ? nodeNames.slice(1) : nodeNames
    const faults = planFaults(new Random(this.seed).stream('faults'), nodeNames, {
      forMs: faultMs,
      lengthMs: [20, 3_000],
      ...{ crashes: 1, pauses: 2, partitions: 1.5, breaks: 4, slowdowns: 1, drifts: 2 },
    })
    const kept = faults.filter((fault) => fault.kind !== 'crash' || spared.includes(fault.node))
    const later = kept.map((fault) => ({ ...fault, atMs: fault.atMs + stage.now }))
    applyFaults(stage.world, later, stage.now + faultMs)
    const until = stage.now + faultMs
    while (stage.now < until) {
      this.#startClients()
      await stage.run(Math.min(250, until - stage.now))
    }
    this.isOver = true
    stage.world.heal()
    await stage.run(healMs)
    await this.#judge()
    stage.close()
  }

  get nodeNames(): string[] {
    return this.stage.world.machines.slice(1).map(({ name }) => name)
  }

  /** Processes that have begun to take part have clients from then on. */
  #startClients(): void {
    for (const process of this.stage.processes) {
      if (this.#clients.has(process.place)) continue
      const clients = Array.from({ length: this.#options.clients }, () => new StageClient(process))
      this.#clients.set(process.place, clients)
      for (const client of clients) {
        const number = this.#clientCount++
        this.workload.act(this, client, number).catch((error) => {
          this.problem(`client ${number} failed: ${(error as Error).stack}`)
        })
      }
    }
  }

  async #judge(): Promise<void> {
    const { stage, workload } = this
    const wanted = this.nodeNames.length + 1
    const processes = stage.processes
    if (processes.length !== wanted) {
      this.problem(`only ${stage.world.members} have found together`)
    }
    for (const { operation, client } of this.#open.values()) {
      if (processes.includes(client.process)) {
        this.problem(`no answer at ${client.process.name} to ${JSON.stringify(operation)}`)
      }
    }
    await this.#askLast()
    workload.judge?.(this)
    this.#checkHistory()
  }

  async #askLast(): Promise<void> {
    const { stage, workload } = this
    const clients = stage.processes.map((process) => new StageClient(process))
    for (const [number, client] of clients.entries()) {
      for (const operation of workload.last(number)) await this.#answer(client, operation)
    }
    await stage.run(1_000)
    for (const operation of workload.compared) {
      const answers: string[] = []
      for (const client of clients) answers.push(await this.#answer(client, operation))
      // Of a log that has ended some may have less, and who came later nothing.
      const isLost = workload.isReplicated && answers.includes(masterLost)
      if (!isLost && new Set(answers).size > 1) {
        this.problem(`replicas differ in ${JSON.stringify(operation)}:\n${answers.join('\n')}`)
      }
    }
  }

  async #answer(client: StageClient, operation: Operation): Promise<string> {
    const { code, text } = await this.#replyInTime(client, operation)
    const isLost = this.workload.hasMaster && code === 'ERR_GOAWAY_MASTER_LOST'
    if (code !== undefined && !isLost) {
      const asked = JSON.stringify(operation)
      this.problem(`after healing ${asked} is refused at ${client.process.name}: ${code}`)
    }
    return isLost ? masterLost : text
  }

  async #replyInTime(
    client: StageClient,
    operation: Operation,
  ): Promise<{ code?: string; text: string }> {
    let said: Reply | undefined
    const asked = client.reply(operation).then((reply) => {
      said = reply
    })
    await this.stage.run(5_000, () => said !== undefined)
    await Promise.race([asked, undefined])
    const reply = said as Reply | undefined
    if (reply === undefined) return { code: 'no answer', text: '' }
    if (reply.type === 'refuse') return { code: reply.code, text: '' }
    return { text: comparable(reply.answer) }
  }

  #checkHistory(): void {
    if (this.history.length === 0) return
    // The first line of a field has its initial value.
    this.history.sort((a, b) => Number(b.op === 'init') - Number(a.op === 'init'))
    for (const part of check(this.history, { stepsMax: 2_000_000 }).parts) {
      if (part.verdict !== 'illegal') continue
      const lines = part.window?.operations.map((operation) => JSON.stringify(operation)) ?? []
      this.problem(`${part.name} is not ${part.model}:\n${lines.join('\n')}`)
    }
  }
}

const masterLost = 'the master is lost'

/** Rows of entries in the order of their names, without versions: these may be each node's own. */
function comparable(answer: unknown): string {
  if (!Array.isArray(answer)) return JSON.stringify(answer)
  const rows = answer.map((row) => (Array.isArray(row) ? [row[0], row[2]] : row))
  return JSON.stringify(rows.sort((a, b) => (String(a) < String(b) ? -1 : 1)))
}
