/** Runs litmus tests in virtual time: many trials, with other delays, placements and starts. */
import { randomOf } from '../hub/random.ts'
import { type LitmusShape, type LitmusStep, litmusShapes } from './litmus-shapes.ts'
import type { LitmusSubject } from './litmus-subjects.ts'
import { Stage, StageClient } from './stage.ts'

export interface LitmusCell {
  readonly subject: string
  readonly shape: string
  readonly expected: 'A' | 'F'
  readonly trials: number
  /** Trials in which the outcome was seen. */
  seen: number
}

const nodes = 3
/** However slow messages are, no node is lost. */
const calm = { nodeTimeoutMs: 60_000, linkGraceMs: 20_000 }
/** With other links, clocks and names. */
const trialsPerWorld = 50
/** Starts are spread over so much, and a message takes so much at most. */
const spreadMs = 40

/**
 * @param trialsMax of an outcome that is allowed and has not been seen yet
 */
export async function runLitmus(
  subject: LitmusSubject,
  shape: LitmusShape,
  trials: number,
  trialsMax: number,
): Promise<LitmusCell> {
  const expected = subject.expected.get(shape.name) ?? 'F'
  let [done, seen] = [0, 0]
  while (done < trials || (expected === 'A' && seen === 0 && done < trialsMax)) {
    seen += await runInWorld(subject, shape, litmusShapes.indexOf(shape) * 1000 + done)
    done += trialsPerWorld
  }
  return { subject: subject.name, shape: shape.name, expected, trials: done, seen }
}

async function runInWorld(
  subject: LitmusSubject,
  shape: LitmusShape,
  seed: number,
): Promise<number> {
  const random = randomOf(seed)
  const { machines } = subject
  const placement = seed % 2 === 0 ? 'first' : 'hash'
  const stage = new Stage({
    seed: seed + 1,
    nodes,
    placement,
    delayMs: [0.1, 20],
    machines,
    ...calm,
  })
  await stage.run(500)
  const clients = stage.processes.map((process) => new StageClient(process))
  let seen = 0
  for (let trial = 0; trial < trialsPerWorld; trial++) {
    slowSomeWays(stage, random)
    if (await runTrial(stage, clients, subject, shape, trial, random)) seen++
  }
  stage.close()
  return seen
}

/** Of this trial: some ways are slow, and others are not. */
function slowSomeWays(stage: Stage, random: () => number): void {
  const factors = new Map<string, number>()
  stage.world.network.slownessOf = (from, to) => {
    const way = `${from} ${to}`
    const factor = factors.get(way) ?? (random() < 0.2 ? 2 + random() * 8 : random() / 4)
    factors.set(way, factor)
    return factor
  }
}

async function runTrial(
  stage: Stage,
  clients: readonly StageClient[],
  subject: LitmusSubject,
  shape: LitmusShape,
  trial: number,
  random: () => number,
): Promise<boolean> {
  const places = shuffled(clients, random)
  const isOneObject = random() < 0.5
  // What has begun goes on at once, or in its time.
  const isHurried = random() < 0.7
  const placeOf = (variable: string) =>
    [isOneObject ? `o${trial}` : `${variable}${trial}`, variable] as const
  let isOutcome = true
  let before: Promise<void> = Promise.resolve()
  const act = async (client: StageClient, step: LitmusStep, next: LitmusStep | undefined) => {
    if (step[0] === 'sync') return subject.sync(client)
    const place = placeOf(step[1])
    if (step[0] === 'write') return subject.write(client, place, step[2], next?.[0] === 'sync')
    const value = await subject.read(client, place)
    if (value !== step[2]) isOutcome = false
  }
  const process = async (client: StageClient, program: readonly LitmusStep[]) => {
    for (const [at, step] of program.entries()) {
      if (at === 0 || !isHurried) await stage.pause(random() * spreadMs)
      await act(client, step, program[at + 1])
    }
  }
  const ends: Promise<void>[] = []
  for (const [at, program] of shape.programs.entries()) {
    const isLater = shape.lastIsLater === true && at === shape.programs.length - 1
    const client = places[at] as StageClient
    before = isLater ? before.then(() => process(client, program)) : process(client, program)
    ends.push(before)
  }
  let isOver = false
  const all = Promise.all(ends).then(() => {
    isOver = true
  })
  await stage.run(60_000, () => isOver)
  if (!isOver) throw new Error('A litmus test does not end')
  await all
  return isOutcome
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const left = [...items]
  return items.map(() => left.splice(Math.floor(random() * left.length), 1)[0] as T)
}
