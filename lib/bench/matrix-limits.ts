/**
 * What nothing made of the same parts can beat, measured in the same rounds as the cells: one
 * atomic load and a Map look-up, a message to a port, a round trip over a port, one over TLS.
 */
import { goaway } from '../index.ts'
import { type BarePort, barePort } from './bare-port.ts'
import { type BareSocket, bareSocket } from './bare-socket.ts'
import { measureLoads, measurePosts, type Sample } from './matrix-routines.ts'
import type { Figure } from './report-data.ts'
import { Samples } from './samples.ts'

export type LimitPart = 'load' | 'post' | 'port' | 'tls'

/** So much of each part. */
export type Limit = Readonly<Partial<Record<LimitPart, number>>>

/** What a write puts on the wire, headers of a record included. */
const messageBytes = 96

const names: Readonly<Record<LimitPart, string>> = {
  load: 'atomic load and look-up',
  post: 'message to a port',
  port: 'port round trip',
  tls: 'TLS round trip',
}

/** Such as `2 × TLS round trip + port round trip`. */
export function limitName(limit: Limit): string {
  return Object.entries(limit)
    .map(([part, times]) => {
      const name = names[part as LimitPart]
      return times === 1 ? name : `${Math.round(times * 1_000) / 1_000} × ${name}`
    })
    .join(' + ')
}

export class MatrixLimits {
  readonly #samples: Readonly<Record<LimitPart, Samples>> = {
    load: new Samples(),
    post: new Samples(),
    port: new Samples(),
    tls: new Samples(),
  }
  readonly #port: BarePort
  readonly #socket: BareSocket

  constructor(port: BarePort, socket: BareSocket) {
    this.#port = port
    this.#socket = socket
  }

  static async start(): Promise<MatrixLimits> {
    return new MatrixLimits(barePort(), await bareSocket())
  }

  /** One round of each; a warm-up is not kept. */
  async measure(roundMs: number, isKept: boolean): Promise<void> {
    const here = goaway.with({ on: 'local' })
    const parts: readonly (readonly [LimitPart, () => Promise<Sample>])[] = [
      ['load', () => here(measureLoads, roundMs)],
      ['post', () => here(measurePosts, roundMs)],
      ['port', () => trips(() => this.#port.run(1), roundMs)],
      ['tls', () => trips(() => this.#socket.roundTrips(1, messageBytes), roundMs)],
    ]
    for (const [part, run] of parts) {
      const sample = await run()
      if (isKept) this.#samples[part].add([sample])
    }
  }

  /** As one figure; parts that follow each other add up. */
  figure(limit: Limit): Figure {
    const sum = (of: (samples: Samples) => number): number =>
      Object.entries(limit).reduce(
        (all, [part, times]) => all + times * of(this.#samples[part as LimitPart]),
        0,
      )
    return { name: limitName(limit), p50: sum((one) => one.p50), p99: sum((one) => one.p99) }
  }

  async end(): Promise<void> {
    this.#socket.end()
    await this.#port.end()
  }
}

/** One after the other, each timed by itself. */
async function trips(run: () => Promise<number>, roundMs: number): Promise<Sample> {
  const micros: number[] = []
  const begun = performance.now()
  while (performance.now() - begun < roundMs) micros.push((await run()) * 1_000)
  const tookMicros = (performance.now() - begun) * 1_000
  return { operations: micros.length, tookMicros, micros: micros.sort((a, b) => a - b) }
}
