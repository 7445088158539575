/**
 * One participant of litmus tests on real threads and processes. It stays alive for many rounds.
 * All begin a round at the same moment of the machine's steady clock, which its threads and
 * processes share: no message is needed for that, and nobody is woken by another. Who comes too
 * late for a round leaves it out, and is in time for a later one.
 */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { randomOf } from '../hub/random.ts'
import type { LitmusStep } from '../sim/litmus-shapes.ts'
import { type RaceObject, type RaceStyle, raceObject } from './race-subjects.ts'

export interface RacePart {
  readonly subject: string
  readonly style: RaceStyle
  readonly program: readonly LitmusStep[]
  /** It looks again and again, and what counts is when it last found nothing. */
  readonly isWatching: boolean
  /** The names of the objects that the variables are in. */
  readonly objects: Readonly<Record<string, string>>
  /** Each round has fields of its own; or all have the same, whose values grow. */
  readonly fields: 'fresh' | 'reused'
  readonly rounds: number
  /** On the steady clock, in nanoseconds. */
  readonly beginAt: number
  readonly everyMicros: number
  /** Starts are spread over so much. */
  readonly spreadMicros: number
  /** How long it looks for a value that has to come. */
  readonly patienceMicros: number
  /** The last moments before a start it does not sleep. */
  readonly spins: boolean
  readonly seed: number
}

/** By round; a round without a start was left out. */
export interface RaceRecord {
  readonly starts: Float64Array
  readonly ends: Float64Array
  /** What the reads found, one after the other. */
  readonly values: Float64Array
  /** When the last read began that found nothing. */
  readonly nothingAt: Float64Array
}

/** The machine's steady clock: the same in all its threads and processes. */
export const nowNanos = (): number => Number(process.hrtime.bigint())

const asleep = new Int32Array(new SharedArrayBuffer(4))
/** A sleep may last so much longer than it was to. */
const wakeMicros = 120
/** Values of a round grow by so much where fields are used again. */
const stride = 4
/** Who looks for so long without finding sleeps a little between two looks, if it rests. */
const busyMicros = 100
const restMs = 0.05

export async function playRace(part: RacePart): Promise<RaceRecord> {
  return new RacePlayer(part).play()
}

class RacePlayer {
  readonly #part: RacePart
  readonly #objects = new Map<string, RaceObject>()
  readonly #random: () => number
  readonly #reads: number

  constructor(part: RacePart) {
    this.#part = part
    this.#random = randomOf(part.seed)
    this.#reads = part.program.filter(([kind]) => kind === 'read').length
    for (const [variable, name] of Object.entries(part.objects)) {
      this.#objects.set(variable, raceObject(part.subject, part.style, name))
    }
  }

  async play(): Promise<RaceRecord> {
    const { rounds, spreadMicros } = this.#part
    const record: RaceRecord = {
      starts: new Float64Array(rounds),
      ends: new Float64Array(rounds),
      values: new Float64Array(rounds * this.#reads),
      nothingAt: new Float64Array(rounds),
    }
    for (let round = this.#nextRound(0); round < rounds; round = this.#nextRound(round + 1)) {
      const startAt = this.#timeOf(round) + this.#random() * spreadMicros * 1e3
      // What blocks never gives its thread away, so that a loop of it is a tight one.
      if (this.#part.style === 'blocking') this.#waitUntil(startAt)
      else await this.#sleepUntil(startAt)
      record.starts[round] = nowNanos()
      if (this.#part.isWatching) await this.#watch(round, record)
      else await this.#run(round, record)
      record.ends[round] = nowNanos()
    }
    return record
  }

  #timeOf(round: number): number {
    return this.#part.beginAt + round * this.#part.everyMicros * 1e3
  }

  /** The first one from `least` on that has not begun yet. */
  #nextRound(least: number): number {
    const { beginAt, everyMicros } = this.#part
    return Math.max(least, Math.ceil((nowNanos() - beginAt) / (everyMicros * 1e3)))
  }

  #waitUntil(time: number): void {
    const { spins } = this.#part
    const sleepMs = (time - nowNanos()) / 1e6 - (spins ? wakeMicros / 1e3 : 0)
    if (sleepMs > 0) Atomics.wait(asleep, 0, 0, sleepMs)
    if (spins) while (nowNanos() < time);
  }

  /** To a millisecond: who looks at the clock until then takes the core of somebody else. */
  async #sleepUntil(time: number): Promise<void> {
    const sleepMs = (time - nowNanos()) / 1e6
    if (sleepMs > 0) await sleep(sleepMs)
  }

  #place(variable: string, round: number): readonly [RaceObject, string] {
    const field = this.#part.fields === 'fresh' ? `${variable}.${round}` : variable
    return [this.#objects.get(variable) as RaceObject, field]
  }

  #read(variable: string, round: number): number | Promise<number> {
    const [object, field] = this.#place(variable, round)
    return object.read(field)
  }

  /** 0: nothing of this round; more than any value of a round: something of a later one. */
  #valueIn(round: number, raw: number): number {
    return this.#part.fields === 'fresh' ? raw : Math.max(0, raw - round * stride)
  }

  /**
   * A value that has to come is mostly waited for by looking again and again: so that what follows
   * meets the moment at which it came. The second of two is not waited for as long: mostly it does
   * not come. What answers at once is not awaited, so that nothing comes between two reads. Who
   * shares its core with the hubs that bring the value mostly rests between looks.
   */
  async #run(round: number, record: RaceRecord): Promise<void> {
    const { program, patienceMicros, fields } = this.#part
    const looksAgain = this.#random() < 0.8
    const rests = !this.#part.spins && this.#random() < 0.8
    let at = round * this.#reads
    for (const [index, step] of program.entries()) {
      if (step[0] === 'sync') {
        const synced = (this.#objects.values().next().value as RaceObject).sync()
        if (synced !== undefined) await synced
      } else if (step[0] === 'write') {
        const [object, field] = this.#place(step[1], round)
        const raw = step[2] + (fields === 'fresh' ? 0 : round * stride)
        const written = object.write(field, raw, program[index + 1]?.[0] === 'sync')
        if (written !== undefined) await written
      } else {
        const begun = nowNanos()
        const until = begun + (patienceMicros * 1e3) / (index === 0 ? 1 : 8)
        let value: number
        do {
          const answer = this.#read(step[1], round)
          value = this.#valueIn(round, typeof answer === 'number' ? answer : await answer)
          if (rests && nowNanos() - begun > busyMicros * 1e3) Atomics.wait(asleep, 0, 0, restMs)
        } while (looksAgain && value !== step[2] && step[2] > 0 && nowNanos() < until)
        record.values[at++] = value
      }
    }
  }

  async #watch(round: number, record: RaceRecord): Promise<void> {
    const [, variable] = this.#part.program[0] as readonly ['read', string, number]
    const until = nowNanos() + this.#part.patienceMicros * 1e3
    for (;;) {
      const begun = nowNanos()
      const answer = this.#read(variable, round)
      const value = this.#valueIn(round, typeof answer === 'number' ? answer : await answer)
      record.values[round] = value
      if (value === 0) record.nothingAt[round] = begun
      if (value !== 0 || begun > until) return
    }
  }
}
