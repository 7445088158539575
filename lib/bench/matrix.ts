/**
 * The matrix: what each operation of each model costs, by where it is asked for and how many nodes
 * there are, beside what bare parts of the same machine do in the same rounds.
 *
 * - Rounds go through all cells of a cluster in turn, so that what disturbs one disturbs all.
 * - Messages and bytes are counted in a pass of their own: to ask for them would disturb the
 *   figures.
 */
import { fileURLToPath } from 'node:url'
import { GoawayError } from '../errors.ts'
import { type Cluster, type ClusterOptions, goaway, init, shutdown } from '../index.ts'
import { limitName, MatrixLimits } from './matrix-limits.ts'
import { type Caller, type MatrixFilter, type PlannedCell, planCells } from './matrix-plan.ts'
import { measureTask, runTask } from './matrix-routines.ts'
import type { BenchReport, Cell, Figure } from './report-data.ts'
import { Samples } from './samples.ts'

export interface MatrixOptions extends MatrixFilter {
  readonly quick: boolean
  /** Numbers of nodes, the program's own one included. @default those of the mode */
  readonly nodes?: readonly number[] | undefined
  /** So many there are, the program's own one included. */
  readonly nodesMax?: number | undefined
  /** The cluster of so many nodes, for two and more. @default node processes of this machine */
  readonly clusterOf?: ((nodes: number) => ClusterOptions) | undefined
  /** @default those of the mode */
  readonly rounds?: number | undefined
  readonly onProgress?: ((progress: MatrixProgress) => void) | undefined
}

export interface MatrixProgress {
  /** From 0 to 1. */
  readonly done: number
  /** What is being done. */
  readonly what: string
}

export type MatrixResult = Pick<BenchReport, 'cells' | 'limits' | 'leftOut'>

interface Pace {
  readonly rounds: number
  /** On a busy machine there are fewer rounds, so that this is not exceeded by much. */
  readonly budgetMs: number
  readonly warmUps: number
  readonly roundMs: number
  readonly nodes: readonly number[]
}

const quickPace: Pace = {
  rounds: 5,
  budgetMs: 40_000,
  warmUps: 1,
  roundMs: 12,
  nodes: [1, 3],
}
const fullPace: Pace = {
  rounds: 15,
  budgetMs: 600_000,
  warmUps: 2,
  roundMs: 25,
  nodes: [1, 2, 3, 4, 5],
}
/** Operations of which messages are counted. */
const countedOperations = 50
/** Less says nothing of the spread. */
const roundsMin = 2
/** So long after them nothing more comes of them. */
const settleMs = 15

export async function runMatrix(options: MatrixOptions): Promise<MatrixResult> {
  const pace = options.quick ? quickPace : fullPace
  const { rounds = pace.rounds, nodesMax = Number.POSITIVE_INFINITY } = options
  const plans = (options.nodes ?? pace.nodes.filter((nodes) => nodes <= nodesMax))
    .map((nodes) => ({ nodes, cells: planCells(nodes, options) }))
    .filter(({ cells }) => cells.length > 0)
  if (plans.length === 0) throw nothingToMeasure(options)
  const limits = await MatrixLimits.start()
  const measured: MeasuredCell[] = []
  const leftOut: string[] = []
  try {
    const steps = plans.reduce((all, { cells }) => all + cells.length, 0)
    const progress = new Progress(options.onProgress, steps * (rounds + pace.warmUps + 1))
    for (const { nodes, cells } of plans) {
      const part = new MatrixPart(nodes, cells, limits, progress)
      const budgetMs = (pace.budgetMs * cells.length) / steps
      const own = { ...pace, rounds, budgetMs }
      const taken = await part.run(own, options.clusterOf ?? localCluster)
      measured.push(...part.cells)
      if (taken < rounds) leftOut.push(busyMachine(part.where, taken, rounds))
    }
  } finally {
    await limits.end()
  }
  const wanted = new Map(measured.map(({ plan }) => [limitName(plan.limit), plan.limit]))
  return {
    cells: measured.map((one) => one.cell()),
    limits: [...wanted.values()].map((limit): Figure => limits.figure(limit)),
    leftOut: [...leftOutOf(options, pace), ...leftOut],
  }
}

function nothingToMeasure({ stores, operations, placements, nodes }: MatrixOptions): GoawayError {
  const asked = { stores, operations, placements, nodes }
  const text = Object.entries(asked)
    .filter(([, values]) => values !== undefined)
    .map(([name, values]) => `${name}: ${values?.join(', ')}`)
    .join('; ')
  const why = 'there are no cells that are all of this; leave one of the options out'
  return new GoawayError('ERR_GOAWAY_CONFIG', `Cannot measure ${text}: ${why}`)
}

/** Node processes of this machine, each with a thread. */
export function localCluster(nodes: number): ClusterOptions {
  const each = Array.from({ length: nodes - 1 }, () => ({ threads: 1 }))
  return { launch: 'local', nodes: each, threads: 1, placement: 'first' }
}

function leftOutOf({ quick, nodes, stores, operations, placements }: MatrixOptions, pace: Pace) {
  const lines: string[] = []
  if (quick && nodes === undefined) {
    lines.push(`other numbers of nodes than ${pace.nodes.join(' and ')}: leave out --quick`)
  }
  const filters = { stores, operations, placements }
  for (const [name, values] of Object.entries(filters)) {
    if (values !== undefined) lines.push(`all ${name} but ${values.join(', ')}: as was asked for`)
  }
  return lines
}

function busyMachine(where: string, taken: number, all: number): string {
  const rounds = `${all - taken} of ${all} rounds`
  return `${where}: ${rounds}: the machine is busy; measure when it rests`
}

class Progress {
  readonly #tell: MatrixOptions['onProgress']
  readonly #steps: number
  #done = 0

  constructor(tell: MatrixOptions['onProgress'], steps: number) {
    this.#tell = tell
    this.#steps = steps
  }

  says(what: string): void {
    this.#tell?.({ done: this.#done / this.#steps, what })
  }

  step(what: string): void {
    this.#done++
    this.says(what)
  }
}

/** All cells of one number of nodes. */
class MatrixPart {
  readonly cells: readonly MeasuredCell[]
  readonly where: string
  readonly #nodes: number
  readonly #limits: MatrixLimits
  readonly #progress: Progress

  constructor(
    nodes: number,
    cells: readonly PlannedCell[],
    limits: MatrixLimits,
    progress: Progress,
  ) {
    this.#nodes = nodes
    this.cells = cells.map((plan) => new MeasuredCell(plan))
    this.#limits = limits
    this.#progress = progress
    this.where = nodes === 1 ? 'one process' : `${nodes} nodes`
  }

  /** Says how many rounds there was time for. */
  async run(pace: Pace, clusterOf: (nodes: number) => ClusterOptions): Promise<number> {
    this.#progress.says(`${this.where}: starting`)
    // A further bundle would be made, and sent, when the first of them is called.
    const modules = [fileURLToPath(new URL('./matrix-routines.js', import.meta.url))]
    const cluster = await init(
      this.#nodes === 1 ? { threads: 2 } : { ...clusterOf(this.#nodes), modules },
    )
    try {
      const rounds = await this.#measure(cluster, pace)
      for (const cell of this.cells) {
        if (this.#nodes > 1) await cell.count(cluster)
        this.#progress.step(`${this.where}: messages`)
      }
      return rounds
    } finally {
      await shutdown()
    }
  }

  async #measure(cluster: Cluster, pace: Pace): Promise<number> {
    const { rounds, warmUps, roundMs, budgetMs } = pace
    const begun = performance.now()
    for (let round = -warmUps; round < rounds; round++) {
      if (round >= roundsMin && performance.now() - begun > budgetMs) return round
      const what = round < 0 ? 'warm-up' : `round ${round + 1} of ${rounds}`
      await this.#limits.measure(roundMs, round >= 0)
      for (const cell of this.cells) {
        await cell.measure(cluster, roundMs, round >= 0)
        this.#progress.step(`${this.where}: ${what}`)
      }
    }
    return rounds
  }
}

interface Traffic {
  readonly messages: number
  readonly bytes: number
}

class MeasuredCell {
  readonly plan: PlannedCell
  readonly #samples = new Samples()
  #traffic: Traffic = { messages: 0, bytes: 0 }

  constructor(plan: PlannedCell) {
    this.plan = plan
  }

  async measure(cluster: Cluster, roundMs: number, isKept: boolean): Promise<void> {
    const samples = await Promise.all(
      this.plan.callers.map(({ at, task }) => run(cluster, at, measureTask, task, roundMs)),
    )
    if (isKept) this.#samples.add(samples)
  }

  /** What the operations cause, less what it takes to have them run. */
  async count(cluster: Cluster): Promise<void> {
    const { callers } = this.plan
    const cycles = callers.map(({ task }) => Math.max(countedOperations, task.cycle))
    const idle = await this.#trafficOf(cluster, () => 0)
    const busy = await this.#trafficOf(cluster, (at) => cycles[at] ?? 0)
    const operations = cycles.reduce((all, count) => all + count, 0)
    const each = (of: (traffic: Traffic) => number): number =>
      Math.max(0, (of(busy) - of(idle)) / operations)
    this.#traffic = { messages: each((one) => one.messages), bytes: each((one) => one.bytes) }
  }

  async #trafficOf(cluster: Cluster, countOf: (caller: number) => number): Promise<Traffic> {
    const before = await trafficOf(cluster)
    await Promise.all(
      this.plan.callers.map(({ at, task }, index) =>
        run(cluster, at, runTask, task, countOf(index)),
      ),
    )
    await new Promise((resolve) => setTimeout(resolve, settleMs))
    const after = await trafficOf(cluster)
    return { messages: after.messages - before.messages, bytes: after.bytes - before.bytes }
  }

  cell(): Cell {
    const { labels, limit } = this.plan
    const { p50, p99, perSecond, spread } = this.#samples
    const figures = { p50, p99, perSecond, spread, ...this.#traffic }
    return { ...labels, ...figures, limit: limitName(limit) }
  }
}

/** A routine of the matrix where the caller is. */
async function run<Arguments extends unknown[], Result>(
  cluster: Cluster,
  at: Caller,
  routine: (...args: Arguments) => Result,
  ...args: Arguments
): Promise<Result> {
  if (at === 'main') return routine(...args)
  const [own, ...nodes] = cluster.nodes()
  const server = nodes[0] ?? own
  // Of two nodes, the other one is the program's own.
  const node = { server, other: nodes[1] ?? own, spawner: own }[at]
  const on = node === undefined || node.spawner ? 'local' : node.name
  return (await goaway.with({ on })(routine, ...args)) as Result
}

async function trafficOf(cluster: Cluster): Promise<Traffic> {
  const stats = await cluster.stats()
  const sum = (of: (one: (typeof stats)[number]) => number): number =>
    stats.reduce((all, one) => all + of(one), 0)
  return { messages: sum((one) => one.messagesSent), bytes: sum((one) => one.bytesSent) }
}
