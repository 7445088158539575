/**
 * Links over virtual time, by the contract of a link (`lib/transport/contract.ts`): messages of one
 * lane stay in order, those of different lanes and links come in any. A way that is cut holds
 * messages back; after `graceMs` the link is over.
 */
import { GoawayError } from '../../lib/errors.ts'
import type { Link, LinkEnd, LinkListener } from '../../lib/transport/contract.ts'
import { decodeFrame, encodeFrame } from '../../lib/wire/frame.ts'
import { type Lane, laneOf } from '../../lib/wire/lane.ts'
import type { LinkMessage } from '../../lib/wire/messages.ts'
import type { VirtualTime } from './virtual-time.ts'

/** One of the two that a link joins. */
export interface Station {
  readonly place: number
  readonly isAlive: boolean
  /** Does it at that station: at once, when it goes on again, or never. */
  take(act: () => void): void
}

export interface NetworkOptions {
  readonly graceMs: number
  readonly random: () => number
  /** How long a message takes. */
  readonly delayMs: (from: number, to: number, message: LinkMessage) => number
  /** Hears of every message that is sent. */
  readonly sent: (from: number, to: number, message: LinkMessage) => void
}

export class VirtualNetwork {
  readonly #time: VirtualTime
  readonly #options: NetworkOptions
  readonly #cuts = new Set<string>()
  readonly #joints: Joint[] = []

  constructor(time: VirtualTime, options: NetworkOptions) {
    this.#time = time
    this.#options = options
  }

  /** The two ends of a new link. */
  connect(one: Station, other: Station): readonly [LinkEnd, LinkEnd] {
    const joint = new Joint(one, other, this.#time, this.#options, () =>
      this.isCut(one.place, other.place),
    )
    this.#joints.push(joint)
    if (this.isCut(one.place, other.place)) joint.cut()
    return [joint.ends[0], joint.ends[1]]
  }

  isCut(one: number, other: number): boolean {
    return this.#cuts.has(keyOf(one, other))
  }

  cut(one: number, other: number): void {
    if (this.isCut(one, other)) return
    this.#cuts.add(keyOf(one, other))
    for (const joint of this.#joints) if (joint.joins(one, other)) joint.cut()
  }

  heal(one: number, other: number): void {
    if (!this.#cuts.delete(keyOf(one, other))) return
    for (const joint of this.#joints) if (joint.joins(one, other)) joint.resume()
  }

  healAll(): void {
    for (const key of [...this.#cuts]) {
      const [one, other] = key.split(' ').map(Number) as [number, number]
      this.heal(one, other)
    }
  }

  /** Its process is gone, as who is linked with it finds out. */
  crashed(place: number): void {
    for (const joint of this.#joints) joint.crashed(place)
  }
}

function keyOf(one: number, other: number): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`
}

class Joint {
  readonly ends: readonly [VirtualEnd, VirtualEnd]
  readonly #time: VirtualTime
  readonly #options: NetworkOptions
  readonly isCut: () => boolean
  /** Counts cuts, so that one which was mended is not taken for the next. */
  #cuts = 0
  isOver = false

  constructor(
    one: Station,
    other: Station,
    time: VirtualTime,
    options: NetworkOptions,
    isCut: () => boolean,
  ) {
    this.#time = time
    this.#options = options
    this.isCut = isCut
    const near = new VirtualEnd(one, other, this, time, options)
    const far = new VirtualEnd(other, one, this, time, options)
    near.far = far
    far.far = near
    this.ends = [near, far]
  }

  joins(one: number, other: number): boolean {
    const [near, far] = this.ends
    return near.joins(one, other) || far.joins(one, other)
  }

  cut(): void {
    if (this.isOver) return
    const number = ++this.#cuts
    for (const end of this.ends) {
      // Each side counts by its own clock.
      const graceMs = this.#options.graceMs * (1 + this.#options.random() / 10)
      this.#time.at(this.#time.now + graceMs, () => {
        if (this.#cuts !== number || !this.isCut()) return
        this.isOver = true
        end.end(lost())
      })
    }
  }

  resume(): void {
    this.#cuts++
    if (this.isOver) for (const end of this.ends) end.end(lost())
    else for (const end of this.ends) end.resume()
  }

  crashed(place: number): void {
    for (const end of this.ends) {
      if (end.station.place !== place && end.far?.station.place !== place) continue
      if (end.station.place === place) continue
      const { graceMs, random } = this.#options
      this.#time.at(this.#time.now + graceMs * (1 + random() / 10), () => {
        this.isOver = true
        end.end(lost())
      })
    }
  }
}

function lost(): GoawayError {
  return new GoawayError('ERR_GOAWAY_LINK_LOST', 'The link is lost')
}

class VirtualEnd implements LinkEnd, Link {
  readonly station: Station
  readonly #other: Station
  readonly #joint: Joint
  readonly #time: VirtualTime
  readonly #options: NetworkOptions
  far: VirtualEnd | undefined
  #listener: LinkListener | undefined
  #outbox: LinkMessage[] = []
  /** When the last message of a lane arrives. */
  readonly #lanes = new Map<Lane, number>()
  /** What came to the cut. */
  #held: LinkMessage[] = []
  #last = 0
  #hasEnded = false
  readonly backlog = 0

  constructor(
    station: Station,
    other: Station,
    joint: Joint,
    time: VirtualTime,
    options: NetworkOptions,
  ) {
    this.station = station
    this.#other = other
    this.#joint = joint
    this.#time = time
    this.#options = options
  }

  joins(from: number, to: number): boolean {
    return this.station.place === from && this.#other.place === to
  }

  get isConnected(): boolean {
    return !this.#joint.isCut()
  }

  open(listener: LinkListener): Link {
    this.#listener = listener
    return this
  }

  send(message: LinkMessage): void {
    if (!this.#hasEnded) this.#outbox.push(message)
  }

  flush(): void {
    for (const message of this.#outbox.splice(0)) {
      this.#options.sent(this.station.place, this.#other.place, message)
      // The other side gets a copy, made as a real link makes it.
      this.#carry(decodeFrame(encodeFrame([message]).bytes)[0] as LinkMessage)
    }
  }

  #carry(message: LinkMessage): void {
    const lane = laneOf(message)
    const delayMs = this.#options.delayMs(this.station.place, this.#other.place, message)
    const at = Math.max(this.#time.now + delayMs, this.#lanes.get(lane) ?? 0)
    this.#lanes.set(lane, at)
    this.#last = Math.max(this.#last, at)
    this.#time.at(at, () => this.#arrive(message))
  }

  #arrive(message: LinkMessage): void {
    if (this.#joint.isOver) return
    if (this.#joint.isCut() || this.#held.length > 0) this.#held.push(message)
    else this.far?.take([message])
  }

  /** The way is free again. */
  resume(): void {
    if (this.#held.length === 0) return
    const at =
      this.#time.now + this.#options.delayMs(this.station.place, this.#other.place, ['bye'])
    this.#last = Math.max(this.#last, at)
    this.#time.at(at, () => {
      if (this.#joint.isCut() || this.#joint.isOver) return
      const held = this.#held
      this.#held = []
      this.far?.take(held)
    })
  }

  take(messages: readonly LinkMessage[]): void {
    this.station.take(() => {
      if (!this.#hasEnded) this.#listener?.received(messages)
    })
  }

  end(error?: Error): void {
    this.station.take(() => {
      if (this.#hasEnded) return
      this.#hasEnded = true
      this.#listener?.closed(error)
    })
  }

  /** What was sent still arrives, and then the end. */
  close(): void {
    if (this.#hasEnded) return
    this.flush()
    this.#hasEnded = true
    this.#time.at(this.#last, () => this.far?.end())
  }
}
