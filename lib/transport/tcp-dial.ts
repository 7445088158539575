/**
 * The dialing end of links over TCP: it makes the first connection, and another one whenever one
 * breaks. The process it found first is the one it wants again: a new life of it knows nothing of
 * the link, says so, and the link is over at once.
 */
import { randomUUID } from 'node:crypto'
import { GoawayError, isGoawayError } from '../errors.ts'
import { redialAttemptMs, redialAttempts, redialMsMax, redialMsMin } from '../limits.ts'
import type { Hello, LinkEnd } from './contract.ts'
import { type Connected, connect, greet, type Secured, secure, type Target } from './tcp-connect.ts'
import { dialError, isWorthRetrying, placeOf } from './tcp-errors.ts'
import { TcpLink } from './tcp-link.ts'
import type { Opening } from './tcp-opening.ts'

export interface DialOptions extends Target {
  /** Incarnation of the process that is meant; any if absent. */
  readonly expects?: string | undefined
  /** A link that breaks for less resumes. */
  readonly graceMs: number
  /** How long to try while nothing listens there. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Resolves when the listener has let us in; rejects with `ERR_GOAWAY_NODE_UNREACHABLE`,
 * `ERR_GOAWAY_SECRET`, `ERR_GOAWAY_VERSION`, `ERR_GOAWAY_NODE_LOST` (it is not the process that was
 * expected), or with the code of the listener's refusal.
 */
export async function dial(options: DialOptions): Promise<{ peer: Hello; end: LinkEnd }> {
  const redial = new Redial(options)
  const connected = await redial.first(options.timeoutMs, options.signal)
  return { peer: connected.answer.hello, end: redial.linkOver(connected) }
}

class Redial {
  readonly #target: Target
  readonly #graceMs: number
  readonly #place: string
  readonly #link = randomUUID()
  readonly #over = new AbortController()
  #expects: string
  #attempt = 0

  constructor({ host, port, name, credentials, hello, expects, graceMs }: DialOptions) {
    this.#target = { host, port, name, credentials, hello }
    this.#graceMs = graceMs
    this.#place = placeOf(name, host, port)
    this.#expects = expects ?? ''
  }

  /** The first connection; tries again while the process may be about to start. */
  async first(timeoutMs: number, given: AbortSignal | undefined): Promise<Connected> {
    const until = performance.now() + timeoutMs
    const signal = given ?? this.#over.signal
    let waitMs = redialMsMin
    for (;;) {
      try {
        // The last attempt has time to be refused: that says more than that it was cut short.
        const leftMs = Math.max(redialMsMax, until - performance.now())
        return await connect(this.#target, this.#opening(false, 0), leftMs, signal)
      } catch (error) {
        if (signal.aborted) throw cancelled(this.#place, signal.reason)
        const leftMs = until - performance.now()
        if (!isWorthRetrying(error) || leftMs <= 0) throw dialError(error, this.#place)
        await pause(Math.min(waitMs, leftMs), signal)
        waitMs = Math.min(waitMs * 2, redialMsMax)
      }
    }
  }

  linkOver({ connection, answer }: Connected): LinkEnd {
    this.#expects = answer.hello.incarnation
    const link: TcpLink = new TcpLink({
      place: this.#place,
      graceMs: () => this.#graceMs,
      broke: () => void this.#again(link),
      over: () => this.#over.abort(),
    })
    link.attach(connection, answer.received)
    return link
  }

  /** Another connection for a link that has none; never rejects. */
  async #again(link: TcpLink): Promise<void> {
    const { signal } = this.#over
    let waitMs = redialMsMin
    while (!link.isOver && !link.isConnected) {
      try {
        const secured = await this.#firstSecured()
        const opening = this.#opening(true, link.received)
        const connected = await greet(secured, this.#target, opening, redialAttemptMs, signal)
        link.attach(connected.connection, connected.answer.received)
        return
      } catch (error) {
        if (isGoawayError(error)) link.lost(error)
        else await pause(waitMs, signal)
        waitMs = Math.min(waitMs * 2, redialMsMax)
      }
    }
  }

  /**
   * What was sent into a broken network is sent again only after a second or more, though the
   * network may be well by then. So attempts begin one after the other, and the first that comes
   * through ends the others. Only that one opens: a link takes two openings at once for a fault.
   */
  async #firstSecured(): Promise<Secured> {
    const others = new AbortController()
    const signal = AbortSignal.any([this.#over.signal, others.signal])
    const attempts: Promise<Secured>[] = []
    let chosen: Secured | undefined
    try {
      for (let begun = 0; begun < redialAttempts; begun++) {
        attempts.push(secure(this.#target, redialAttemptMs, signal))
        // One that is refused says that the network is well, and all would be.
        const next = pause(redialAttemptMs / redialAttempts, signal).then(() => undefined)
        chosen = await Promise.race([...attempts, next])
        if (chosen !== undefined) return chosen
      }
      chosen = await Promise.race(attempts)
      return chosen
    } finally {
      others.abort()
      const drop = (one: Secured): unknown => one !== chosen && one.socket.destroy()
      for (const attempt of attempts) attempt.then(drop, () => {})
    }
  }

  #opening(resumes: boolean, received: number): Opening {
    this.#attempt++
    return {
      hello: this.#target.hello,
      link: this.#link,
      attempt: this.#attempt,
      resumes,
      expects: this.#expects,
      received,
    }
  }
}

function cancelled(place: string, cause: unknown): GoawayError {
  return new GoawayError('ERR_GOAWAY_CANCELLED', `Connecting to ${place} was cancelled`, { cause })
}

/** Waits; less if the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, ms)
    signal.addEventListener('abort', finish)
    if (signal.aborted) finish()
  })
}
