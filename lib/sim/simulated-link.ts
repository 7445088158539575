/**
 * A link between two processes of a simulation: the contract of `lib/transport/contract.ts` over
 * connections that come and go. It keeps what was sent until it is acknowledged, so that a break
 * which is shorter than the grace time loses nothing.
 *
 * - An end notices that its connection is broken when it is told, or when nothing was acknowledged
 *   for a while. Then it tries to connect anew, for as long as its grace time lasts.
 * - A machine that answers for a process which is no more says so: ERR_GOAWAY_NODE_LOST.
 * - An end that was closed sees to it in the same way that the other hears of it.
 * - A process that ends takes with it what it had not sent yet, and some of what it had.
 */
import type { Clock, Timer } from '../clock.ts'
import { GoawayError } from '../errors.ts'
import { linkLookMs, linkLooksMax, redialMsMax, redialMsMin } from '../limits.ts'
import type { Link, LinkEnd, LinkListener } from '../transport/contract.ts'
import { type Attachment, encodeFrame, openFrame, type PortFrame } from '../wire/frame.ts'
import type { LinkMessage } from '../wire/messages.ts'
import type { Owner, Planned } from './agenda.ts'
import type { Crossing, Network } from './network.ts'

/** A process as its links know it. */
export interface LinkOwner extends Owner {
  /** Name of its machine. */
  readonly name: string
  readonly clock: Clock
  /** Another process has taken its place on the machine. */
  readonly isReplaced: boolean
}

interface Frame {
  /** Undefined: the end of the link. */
  readonly content: PortFrame | undefined
  readonly messages: number
  readonly kinds: string
  readonly isUpkeep: boolean
  readonly sentAt: number
  arrival: Planned | undefined
}

/** What is said again and again, of leases and sessions: nobody waits for it. */
const upkeepKinds = new Set(['renew', 'grant', 'present', 'keep', 'kept'])
/** An end that hears nothing of what it sent for so long takes its connection for broken. */
const noticeMs = linkLookMs * linkLooksMax

export interface SimulatedLinkOptions {
  readonly graceMs: number
  readonly network: Network
  /** A frame has arrived. */
  readonly arrived?: (from: string, to: string, kinds: string) => void
}

export class SimulatedLink implements Crossing {
  readonly options: SimulatedLinkOptions
  readonly ends: readonly [SimulatedEnd, SimulatedEnd]
  #redial: Planned | undefined

  constructor(options: SimulatedLinkOptions, one: LinkOwner, other: LinkOwner) {
    this.options = options
    this.ends = [new SimulatedEnd(this, one), new SimulatedEnd(this, other)]
    options.network.add(this)
  }

  other(end: SimulatedEnd): SimulatedEnd {
    return this.ends[0] === end ? this.ends[1] : this.ends[0]
  }

  get isConnected(): boolean {
    return this.ends[0].isConnected && this.ends[1].isConnected
  }

  /** Nothing will ever go over it again. */
  get isOver(): boolean {
    return this.ends.every(({ isOver }) => isOver)
  }

  /** Something has changed that decides what gets through. */
  refresh(): void {
    for (const end of this.ends) end.refresh()
  }

  /** The connection is cut; both processes see it at once. */
  break(): void {
    for (const end of this.ends) end.notice()
  }

  /** One end has noticed: it tries to connect anew. */
  redialLater(): void {
    if (this.#redial !== undefined) return
    const { agenda, random } = this.options.network
    const delayMs = random.between(redialMsMin, redialMsMax)
    const isUpkeep = true
    this.#redial = agenda.plan(delayMs, () => this.#redialNow(), { isUpkeep })
  }

  #redialNow(): void {
    this.#redial = undefined
    const [one, other] = this.ends
    if (this.isOver) return this.options.network.remove(this)
    if (one.isConnected && other.isConnected) return
    const reaches = this.options.network.reaches(one.owner.name, other.owner.name)
    if (!reaches || one.owner.isPaused || other.owner.isPaused) return this.redialLater()
    if (!one.isGone && !other.isGone) {
      one.connected()
      other.connected()
      return this.refresh()
    }
    const [left, gone] = one.isGone ? [other, one] : [one, other]
    const isReplaced = gone.owner.isDead && gone.owner.isReplaced
    if (gone.owner.isDead && !isReplaced) return this.redialLater()
    left.end(isReplaced ? lifeOver(gone.owner.name) : linkLost(gone.owner.name, 'it gave it up'))
  }

  /** The process of that end is no more. */
  died(end: SimulatedEnd): void {
    end.isOver = true
    const other = this.other(end)
    const { network } = this.options
    end.loseSome()
    if (other.isOver || !network.passes(end.owner.name, other.owner.name)) return
    const { owner } = other
    network.agenda.plan(end.lastArrivalMs() + network.delayMs(), () => other.notice(), { owner })
  }
}

export class SimulatedEnd implements LinkEnd, Link {
  readonly owner: LinkOwner
  bytesSent = 0
  isConnected = true
  /** It is closed, or was given up, or its process is no more. */
  isOver = false
  readonly #link: SimulatedLink
  #listener: LinkListener | undefined
  #outbox: LinkMessage[] = []
  /** Sent, and not received by the other end. */
  #underWay: Frame[] = []
  /** Received there, and not acknowledged here. */
  #unacknowledged: Frame[] = []
  #arrivedCount = 0
  #acknowledgedCount = 0
  #isAckOwed = false
  /** Came before anybody listened. */
  #arrived: (PortFrame | undefined)[] = []
  #lastArrivalAt = 0
  #look: Timer | undefined
  #grace: Timer | undefined

  constructor(link: SimulatedLink, owner: LinkOwner) {
    this.#link = link
    this.owner = owner
  }

  get #network(): Network {
    return this.#link.options.network
  }

  get #other(): SimulatedEnd {
    return this.#link.other(this)
  }

  /** It was closed, and the other end has yet to hear of it: until then it does its part. */
  get #isClosing(): boolean {
    const last = this.#underWay.at(-1)
    return this.isOver && !this.owner.isDead && last !== undefined && last.content === undefined
  }

  /** Nothing will come from it any more. */
  get isGone(): boolean {
    return this.isOver && !this.#isClosing
  }

  get #mayPass(): boolean {
    if (!this.#link.isConnected) return false
    return this.#network.passes(this.owner.name, this.#other.owner.name)
  }

  open(listener: LinkListener): Link {
    this.#listener = listener
    const { owner } = this
    // Whoever opens it has yet to take what it returns.
    if (this.#arrived.length > 0) this.#network.agenda.plan(0, () => this.#drain(), { owner })
    return this
  }

  #drain(): void {
    for (const content of this.#arrived.splice(0)) this.#receive(content)
  }

  get backlog(): number {
    const count = (sum: number, { messages }: Frame): number => sum + messages
    const sent = this.#underWay.reduce(count, 0) + this.#unacknowledged.reduce(count, 0)
    return sent + this.#outbox.length
  }

  send(message: LinkMessage): void {
    if (!this.isOver) this.#outbox.push(message)
  }

  flush(): void {
    if (this.#outbox.length === 0 || this.isOver) return
    const messages = this.#outbox
    this.#outbox = []
    const { bytes, attachments } = encodeFrame(messages)
    const isUpkeep = messages.every(([kind]) => upkeepKinds.has(kind))
    const kinds = messages.map(kindOf).join(' ')
    this.bytesSent += bytes.byteLength
    this.#post({
      content: [bytes, ...attachments.map(ownMemory)],
      messages: messages.length,
      kinds,
      isUpkeep,
      sentAt: this.owner.clock.now(),
      arrival: undefined,
    })
  }

  #post(frame: Frame): void {
    this.#underWay.push(frame)
    this.#lookLater()
    if (this.#mayPass) this.#plan(frame)
  }

  close(): void {
    if (this.isOver) return
    this.flush()
    const sentAt = this.owner.clock.now()
    const rest = { messages: 0, kinds: 'close', isUpkeep: false, arrival: undefined }
    this.#post({ content: undefined, sentAt, ...rest })
    this.#overLater(undefined)
  }

  /** Plans the arrival of what gets through, and holds up what does not. */
  refresh(): void {
    const { agenda } = this.#network
    const mayPass = this.#mayPass
    for (const frame of this.#underWay) {
      if (mayPass && frame.arrival === undefined) this.#plan(frame)
      if (mayPass || frame.arrival === undefined) continue
      agenda.cancel(frame.arrival)
      frame.arrival = undefined
    }
    // What is sent anew need not wait for the time at which it would have been there the old way.
    if (!mayPass) this.#lastArrivalAt = agenda.time
    if (mayPass && this.#isAckOwed) this.#acknowledge()
  }

  #plan(frame: Frame): void {
    const { agenda } = this.#network
    const slowness = this.#network.slownessOf(this.owner.name, this.#other.owner.name)
    const at = Math.max(this.#lastArrivalAt, agenda.time + this.#network.delayMs() * slowness)
    this.#lastArrivalAt = at
    const options = { owner: this.#other.owner, isUpkeep: frame.isUpkeep }
    frame.arrival = agenda.plan(at - agenda.time, () => this.#arrive(), options)
  }

  /** The oldest frame that is under way is there. */
  #arrive(): void {
    const frame = this.#underWay.shift()
    if (frame === undefined) return
    this.#unacknowledged.push(frame)
    this.#arrivedCount++
    const other = this.#other
    const { options } = this.#link
    options.network.frames++
    options.arrived?.(this.owner.name, other.owner.name, frame.kinds)
    if (!other.isOver) other.#receive(frame.content)
    other.#acknowledge()
  }

  #receive(content: PortFrame | undefined): void {
    if (this.#listener === undefined || this.#arrived.length > 0) this.#arrived.push(content)
    else if (content === undefined) this.#over(undefined)
    else this.#listener.received(openFrame(content) as LinkMessage[])
  }

  /** Tells the other end what was received so far. */
  #acknowledge(): void {
    this.#isAckOwed = !this.#mayPass
    if (this.#isAckOwed) return
    const other = this.#other
    const count = other.#arrivedCount
    const options = { owner: other.owner, isUpkeep: true, isSilent: true }
    this.#network.agenda.plan(this.#network.delayMs(), () => other.#acknowledged(count), options)
  }

  /** The other end has received so many frames. */
  #acknowledged(count: number): void {
    this.#unacknowledged.splice(0, count - this.#acknowledgedCount)
    this.#acknowledgedCount = Math.max(count, this.#acknowledgedCount)
  }

  #lookLater(): void {
    this.#look ??= this.owner.clock.setTimer(noticeMs, () => this.#lookNow(), true)
  }

  #lookNow(): void {
    this.#look = undefined
    const oldest = this.#unacknowledged[0] ?? this.#underWay[0]
    if (oldest === undefined || this.isGone || !this.isConnected) return
    if (this.owner.clock.now() - oldest.sentAt >= noticeMs) return this.notice()
    this.#lookLater()
  }

  /** Its connection is broken, and it knows it. */
  notice(): void {
    if (this.isGone || !this.isConnected) return
    this.isConnected = false
    const { graceMs } = this.#link.options
    const lost = (): void => this.end(linkLost(this.#other.owner.name, `for ${graceMs} ms`))
    this.#grace = this.owner.clock.setTimer(graceMs, lost, true)
    this.#link.refresh()
    this.#link.redialLater()
  }

  /** There is a connection again: both know what the other has received. */
  connected(): void {
    this.isConnected = true
    this.owner.clock.clearTimer(this.#grace)
    this.#unacknowledged = []
    this.#acknowledgedCount = this.#arrivedCount
    this.#isAckOwed = false
    if (this.#underWay.length > 0) this.#lookLater()
  }

  /** The link is given up. */
  end(error: Error): void {
    if (this.isGone) return
    this.isConnected = false
    if (!this.isOver) this.#over(error)
    this.#link.refresh()
    this.#underWay = []
    this.#link.redialLater()
  }

  #overLater(error: Error | undefined): void {
    this.isOver = true
    const { owner } = this
    this.#network.agenda.plan(0, () => this.#listener?.closed(error), { owner })
  }

  #over(error: Error | undefined): void {
    this.isOver = true
    this.owner.clock.clearTimer(this.#grace)
    this.#listener?.closed(error)
  }

  /** Its process is no more. */
  died(): void {
    this.#link.died(this)
  }

  /** How long until the last of what it has sent arrives. */
  lastArrivalMs(): number {
    return Math.max(0, (this.#underWay.at(-1)?.arrival?.at ?? 0) - this.#network.agenda.time)
  }

  /** Its process ends: what it sent last is lost, and all that it had not flushed. */
  loseSome(): void {
    const { agenda, random } = this.#network
    const kept = random.below(this.#underWay.length + 1)
    for (const { arrival } of this.#underWay.splice(kept)) {
      if (arrival !== undefined) agenda.cancel(arrival)
    }
    this.#outbox = []
  }
}

/** A message in the trace: its name, and whose it is. */
function kindOf(message: LinkMessage): string {
  const [kind, subject] = message
  return typeof subject === 'number' ? `${kind}:${subject}` : kind
}

function linkLost(name: string, why: string): GoawayError {
  return new GoawayError('ERR_GOAWAY_LINK_LOST', `The link to node ${name} is lost: ${why}`)
}

function lifeOver(name: string): GoawayError {
  const text = `Another process answers for node ${name}`
  return new GoawayError('ERR_GOAWAY_NODE_LOST', text, { node: name })
}

/** Two machines share no memory: what is written at one is not seen at the other. */
function ownMemory(attachment: Attachment): Attachment {
  return attachment instanceof SharedArrayBuffer ? attachment.slice(0) : attachment
}
