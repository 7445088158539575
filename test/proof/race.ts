/**
 * Runs litmus tests on real threads or processes, from the program's own thread: many rounds, in
 * chunks, each with other places, fields and seeds. A round counts if all that take part began it
 * within a short time, or none had ended it when the last one began; the others are left out.
 */
import { goaway } from 'goaway'
import { randomOf } from '../hub/random.ts'
import type { LitmusShape } from '../sim/litmus-shapes.ts'
import { nowNanos, playRace, type RacePart, type RaceRecord } from './race-part.ts'
import type { RaceStyle } from './race-subjects.ts'

export interface RaceOptions {
  /** Where one participant each may run; `null`: on threads of this process. */
  readonly nodes: readonly string[] | null
  readonly style: RaceStyle
  /** Rounds that have to count. */
  readonly rounds: number
  /** After so long it is enough, however many there were. */
  readonly mostMs: number
  /** Until all threads have loaded what they need. */
  readonly leadMs: number
  readonly seed: number
  /** Threads may do without sleep before a start if each of them has a core. */
  readonly cores: number
}

export interface RaceResult {
  readonly subject: string
  readonly shape: string
  readonly transport: 'threads' | 'processes'
  readonly style: RaceStyle
  /** Rounds that counted. */
  rounds: number
  /** Rounds that did not: somebody was late, or had left the round out. */
  missed: number
  /** Rounds with the outcome that the shape is about. */
  seen: number
  /** How often the reads found what: those of one participant together. */
  readonly outcomes: Record<string, number>
  /** What some rounds took from one to the next in the end. */
  everyMicros: number
  tookMs: number
}

interface Pace {
  everyMicros: number
  /** What brought most rounds that counted, and how many in a millisecond. */
  bestMicros: number
  bestPerMs: number
  readonly leastMicros: number
  readonly leadMicros: number
  readonly spreadMicros: number
  /** Who begins a round within so much of each other races. */
  readonly togetherMicros: number
}

const unknown = { bestMicros: 0, bestPerMs: 0 }
const threadPace = { ...unknown, everyMicros: 400, leastMicros: 150, leadMicros: 4_000 }
const processPace = { ...unknown, everyMicros: 3_000, leastMicros: 1_000, leadMicros: 15_000 }
const chunkMs = 400
const roundsPerChunkMax = 500
/** Something is wrong with a test in which so many more rounds are missed than count. */
const missedMax = 1_000

function paceOf(shape: LitmusShape, { nodes, style, cores }: RaceOptions): Pace {
  if (nodes !== null) return { ...processPace, spreadMicros: 600, togetherMicros: 1_500 }
  if (style === 'promised') {
    return { ...threadPace, leastMicros: 2_000, spreadMicros: 200, togetherMicros: 1_500 }
  }
  const spins = shape.programs.length <= cores
  return { ...threadPace, spreadMicros: spins ? 8 : 60, togetherMicros: spins ? 100 : 400 }
}

export async function race(
  subject: string,
  shape: LitmusShape,
  options: RaceOptions,
): Promise<RaceResult> {
  const result: RaceResult = {
    subject,
    shape: shape.name,
    transport: options.nodes === null ? 'threads' : 'processes',
    style: options.style,
    rounds: 0,
    missed: 0,
    seen: 0,
    outcomes: {},
    everyMicros: 0,
    tookMs: 0,
  }
  const pace = paceOf(shape, options)
  const random = randomOf(options.seed)
  const began = performance.now()
  const isEnough = (): boolean =>
    result.rounds >= options.rounds || performance.now() - began > options.mostMs
  for (let chunk = 0; !isEnough(); chunk++) {
    if (result.missed > missedMax * (options.rounds + 100)) throw new Error(hopeless(result))
    const left = options.rounds - result.rounds
    const rounds = Math.min(roundsPerChunkMax, Math.ceil((chunkMs * 1e3) / pace.everyMicros))
    const parts = partsOf(subject, shape, options, pace, chunk, Math.min(rounds, 2 * left), random)
    const startedAt = performance.now()
    const records = await Promise.all(
      parts.map(({ node, part }) =>
        node === null ? goaway(playRace, part) : goaway.with({ on: node })(playRace, part),
      ),
    )
    const telling = count(shape, parts[0]?.part as RacePart, records, pace, result)
    adjust(pace, telling / (performance.now() - startedAt), random)
  }
  result.everyMicros = Math.round(pace.everyMicros)
  result.tookMs = performance.now() - began
  return result
}

function hopeless({ subject, shape, rounds, missed }: RaceResult): string {
  return `Cannot make ${subject} race in ${shape}: ${rounds} rounds counted, ${missed} did not`
}

/**
 * Looks for the time between rounds that brings most rounds that tell something, as the machine is
 * now: on a busy one, slower rounds are missed as well, for who has no core misses all that time.
 */
function adjust(pace: Pace, perMs: number, random: () => number): void {
  if (perMs >= pace.bestPerMs * 0.95) [pace.bestMicros, pace.bestPerMs] = [pace.everyMicros, perMs]
  else pace.bestPerMs *= 0.9
  const next = pace.bestMicros * (random() < 0.5 ? 1 : 0.6 + random())
  const { leastMicros } = pace
  pace.everyMicros = Math.min(leastMicros * 20, Math.max(leastMicros, next))
}

function partsOf(
  subject: string,
  shape: LitmusShape,
  { nodes, style, cores, seed, leadMs }: RaceOptions,
  pace: Pace,
  chunk: number,
  rounds: number,
  random: () => number,
): { node: string | null; part: RacePart }[] {
  const left = [...(nodes ?? [])]
  const [isOneObject, isFresh] = [random() < 0.5, random() < 0.5]
  // Subjects of one store must not meet.
  const name = `${subject} ${shape.name} ${seed} ${chunk}`
  const objects = isOneObject ? { x: name, y: name } : { x: `${name} x`, y: `${name} y` }
  const leadMicros = pace.leadMicros + (chunk === 0 ? leadMs * 1e3 : 0)
  const beginAt = nowNanos() + leadMicros * 1e3
  return shape.programs.map((program, at) => {
    const node = nodes === null ? null : left.splice(Math.floor(random() * left.length), 1)[0]
    const part: RacePart = {
      ...{ subject, style, program, objects, rounds, beginAt },
      isWatching: shape.lastIsLater === true && at === shape.programs.length - 1,
      fields: isFresh ? 'fresh' : 'reused',
      everyMicros: pace.everyMicros,
      spreadMicros: pace.spreadMicros,
      patienceMicros: pace.everyMicros * 0.8,
      spins: nodes === null && shape.programs.length <= cores,
      seed: Math.floor(random() * 2 ** 31),
    }
    return { node: node ?? null, part }
  })
}

/** @returns rounds that counted in which those who looked for something found it */
function count(
  shape: LitmusShape,
  { rounds }: RacePart,
  records: readonly RaceRecord[],
  pace: Pace,
  result: RaceResult,
): number {
  let telling = 0
  for (let round = 0; round < rounds; round++) {
    const starts = records.map((record) => record.starts[round] as number)
    const first = Math.min(...starts)
    const values = records.map((record, at) => valuesOf(shape, at, record, round))
    const last = Math.max(...starts)
    const isMet = last < Math.min(...records.map((record) => record.ends[round] as number))
    const isTogether = first > 0 && (isMet || last - first <= pace.togetherMicros * 1e3)
    if (!isTogether || values.some((some) => some.some((value) => value > 2))) {
      result.missed++
      continue
    }
    if (hasFound(shape, values)) telling++
    result.rounds++
    const isLater = shape.lastIsLater === true && isAfter(records, round)
    const read = values.filter((some) => some.length > 0).map((some) => some.join(' '))
    const outcome = `${read.join(' | ')}${isLater ? ', later 0' : ''}`
    result.outcomes[outcome] = (result.outcomes[outcome] ?? 0) + 1
    if (isOutcome(shape, values, isLater)) result.seen++
  }
  return telling
}

function hasFound(shape: LitmusShape, values: readonly number[][]): boolean {
  return shape.programs.every(([first], at) => {
    return first?.[0] !== 'read' || first[2] === 0 || values[at]?.[0] !== 0
  })
}

function valuesOf(shape: LitmusShape, at: number, { values }: RaceRecord, round: number): number[] {
  const reads = shape.programs[at]?.filter(([kind]) => kind === 'read').length ?? 0
  return [...values.subarray(round * reads, (round + 1) * reads)]
}

/** Whether the last one found nothing by a read that began after the one before it had ended. */
function isAfter(records: readonly RaceRecord[], round: number): boolean {
  const [before, last] = records.slice(-2)
  return (last?.nothingAt[round] as number) > (before?.ends[round] as number)
}

function isOutcome(shape: LitmusShape, values: readonly number[][], isLater: boolean): boolean {
  return shape.programs.every((program, at) => {
    if (shape.lastIsLater === true && at === shape.programs.length - 1) return isLater
    const expected = program.flatMap((step) => (step[0] === 'read' ? [step[2]] : []))
    return expected.every((value, index) => values[at]?.[index] === value)
  })
}
