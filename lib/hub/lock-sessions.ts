/**
 * Drives the sessions under which locks are held over a link: the side of the clients, who have to
 * hear in time that a lock is lost, and the side of whoever serves it.
 */
import { recordOf } from '../client/error-codec.ts'
import type { Clock } from '../clock.ts'
import { GoawayError } from '../errors.ts'
import { sessionMaster } from '../protocol/session-master.ts'
import {
  believes,
  type Hold,
  type LossReason,
  type SessionNodeInput,
  type SessionNodeOutput,
  sessionNode,
} from '../protocol/session-node.ts'
import { sessionTimes } from '../protocol/session-times.ts'
import type { Link } from '../transport/contract.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { SessionMessage } from '../wire/messages.ts'
import { Alarm } from './alarm.ts'
import { ClockWatch } from './clock-watch.ts'

/** An input, whose time is added here. */
type Untimed<T> = T extends unknown ? Omit<T, 'now'> : never

export interface RemoteLocksHost {
  /** The client has lost a lock that it was granted. */
  lockLost(client: number, lock: string, token: number, error: ErrorRecord): void
  turn(): void
}

export interface RemoteLocksParts {
  readonly link: Link
  /** Name of the node that serves the locks. */
  readonly node: string
  readonly sessionMs: number
  readonly clock: Clock
  readonly host: RemoteLocksHost
}

/** The locks that this node's clients hold at another. */
export class RemoteLocks {
  readonly #parts: RemoteLocksParts
  readonly #state
  readonly #alarm: Alarm
  readonly #clocks: ClockWatch
  /** Why all is over, once it is. */
  #reason: GoawayError | undefined
  #isClosed = false

  constructor(parts: RemoteLocksParts) {
    this.#parts = parts
    this.#state = sessionNode.initial({ times: sessionTimes(parts.sessionMs) })
    this.#clocks = new ClockWatch(parts.clock)
    this.#alarm = new Alarm(() => {
      this.#step({ type: 'tick' })
      parts.host.turn()
    }, parts.clock)
  }

  /** A lock is about to be asked for: the session to do it under. */
  asked(): number {
    this.#step({ type: 'asked' })
    return this.#state.session
  }

  /** Whether whoever asked may have what was granted: not if the session is over meanwhile. */
  granted(hold: Hold, session: number): boolean {
    return !this.#step({ type: 'granted', session, ...hold })
  }

  released(lock: string, token: number): void {
    sessionNode.step(this.#state, { type: 'released', lock, token })
  }

  ownerEnded(client: number, owner: number): void {
    sessionNode.step(this.#state, { type: 'ownerEnded', client, owner })
  }

  clientLost(client: number): void {
    sessionNode.step(this.#state, { type: 'clientLost', client })
  }

  /** Whether the lock cannot have passed on, by this node's clocks as they are now. */
  holds(lock: string, token: number): boolean {
    this.#step({ type: 'tick' })
    return believes(this.#state, lock, token, this.#parts.clock.now())
  }

  received(message: Extract<SessionMessage, readonly ['kept' | 'ended', ...unknown[]]>): void {
    if (message[0] === 'ended') this.#step({ type: 'ended', session: message[1] })
    else this.#step({ type: 'kept', session: message[1], nonce: message[2] })
  }

  /** This hub ends: from now on those who hold locks hear of that alone. */
  close(): void {
    this.#isClosed = true
    this.#alarm.clear()
  }

  /** Nothing comes of the master any more; `reason` is what those who hold locks are told. */
  lost(reason: GoawayError): void {
    if (this.#isClosed) return
    this.#reason ??= reason
    this.#alarm.clear()
    for (const output of sessionNode.step(this.#state, { type: 'linkLost' })) this.#perform(output)
  }

  /** @returns whether a grant came too late */
  #step(input: Untimed<Extract<SessionNodeInput, { now: number }>>): boolean {
    const deltaMs = this.#clocks.jump()
    const now = this.#parts.clock.now()
    const outputs: SessionNodeOutput[] = []
    if (deltaMs > 0) {
      outputs.push(...sessionNode.step(this.#state, { type: 'clockJump', deltaMs, now }))
    }
    outputs.push(...sessionNode.step(this.#state, { ...input, now } as SessionNodeInput))
    for (const output of outputs) this.#perform(output)
    return outputs.some(({ type }) => type === 'late')
  }

  #perform(output: SessionNodeOutput): void {
    if (this.#isClosed) return
    const { link, host, node } = this.#parts
    switch (output.type) {
      case 'keep':
        return link.send(['keep', output.session, output.nonce])
      case 'part':
        return link.send(['part', output.session])
      case 'lost': {
        const { client, lock, token, reason } = output
        const error = this.#reason ?? lockLost(lock, node, reason)
        return host.lockLost(client, lock, token, recordOf(error))
      }
      case 'late':
        return
      case 'wake':
        if (this.#reason === undefined) this.#alarm.set(output.at)
    }
  }
}

/** What a session with the clients of another node needs of whoever serves the locks. */
export interface ServedSessionHost {
  readonly link: Link
  readonly sessionMs: number
  readonly clock: Clock
  /** Frees what is held under it, and refuses whoever waits. */
  ended(session: number): void
  turn(): void
}

/** The session under which the clients of another node hold locks here. */
export class ServedSession {
  readonly #host: ServedSessionHost
  readonly #state
  readonly #alarm: Alarm

  constructor(host: ServedSessionHost) {
    this.#host = host
    this.#state = sessionMaster.initial({ times: sessionTimes(host.sessionMs) })
    this.#alarm = new Alarm(() => {
      this.#step({ type: 'tick' })
      host.turn()
    }, host.clock)
  }

  received(message: Extract<SessionMessage, readonly ['keep' | 'part', ...unknown[]]>): void {
    if (message[0] === 'part') this.#step({ type: 'part', session: message[1] })
    else this.#step({ type: 'keep', session: message[1], nonce: message[2] })
  }

  /** Whether a lock may be asked for under this session. */
  admits(session: number): boolean {
    return this.#step({ type: 'asked', session })
  }

  #step(input: Untimed<Parameters<typeof sessionMaster.step>[1]>): boolean {
    const { link, clock } = this.#host
    const now = clock.now()
    let admitted = false
    for (const output of sessionMaster.step(this.#state, { ...input, now } as never)) {
      switch (output.type) {
        case 'ended':
          this.#host.ended(output.session)
          break
        case 'kept':
          link.send(['kept', output.session, output.nonce])
          break
        case 'unknown':
          link.send(['ended', output.session])
          break
        case 'admitted':
          admitted = true
          break
        case 'refused':
          break
        case 'wake':
          this.#alarm.set(output.at)
      }
    }
    return admitted
  }

  close(): void {
    this.#alarm.clear()
  }
}

function lockLost(lock: string, node: string, reason: LossReason): GoawayError {
  const why: Record<LossReason, string> = {
    lease: `${node}, which serves it, was not heard of for sessionMs, and may have passed it on`,
    ended: `${node}, which serves it, did not hear of this node for sessionMs, and passed it on`,
    link: `the link to ${node}, which serves it, is over`,
  }
  const code = reason === 'link' ? 'ERR_GOAWAY_LINK_LOST' : 'ERR_GOAWAY_SESSION_LOST'
  return new GoawayError(code, `Lock ${JSON.stringify(lock)} is lost: ${why[reason]}`, { node })
}

/** Why a grant is not handed on, and a request not taken. */
export function sessionOver(lock: string, node: string): ErrorRecord {
  const text = `acquire lock ${JSON.stringify(lock)}: the session with ${node} is over; ask again`
  return recordOf(new GoawayError('ERR_GOAWAY_SESSION_LOST', text, { node }))
}
