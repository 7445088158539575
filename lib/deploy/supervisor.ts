/**
 * Keeps one node there: starts the node process, and starts a fresh one when it ends. It has no
 * port and none of an application's code, so nothing that an application does can end it.
 *
 * - Exit code 0: its application is over; the next one is started at once.
 * - A crash: after a pause that doubles each time, until one has lived for a while.
 * - One that cannot listen, several times in a row: it never will, and the supervisor gives up.
 * - `stop` from somebody who knows the secret, or from whoever runs this: the end.
 */
import process from 'node:process'
import { GoawayError } from '../errors.ts'
import {
  nodeStopMs,
  restartFailuresMax,
  restartForgetMs,
  restartMsMax,
  restartMsMin,
  startFailuresMax,
} from '../limits.ts'
import { addressText } from './listen-address.ts'
import { NodeChild, type NodeEnd } from './node-child.ts'
import type { NodeReport, NodeStart } from './node-start.ts'

/** What happens to the node, as plain data. */
export type SupervisorEvent =
  | {
      readonly type: 'listening'
      readonly name: string
      readonly host: string
      readonly port: number
      readonly incarnation: string
      readonly pid: number
    }
  | { readonly type: 'claimed'; readonly title: string; readonly since: number }
  | { readonly type: 'over'; readonly title: string; readonly lastedMs: number }
  | { readonly type: 'crashed'; readonly why: string; readonly restartMs: number }

export interface SupervisorOptions {
  readonly start: NodeStart
  readonly name: string
  readonly tell: (event: SupervisorEvent) => void
  /** Stands in for the node process, in tests. */
  readonly program?: string | undefined
}

/** An event as a line for a person. */
export function eventLine(event: SupervisorEvent): string {
  switch (event.type) {
    case 'listening':
      return `goaway node ${event.name} listens on ${addressText(event)}`
    case 'claimed':
      return `application begins: ${event.title}`
    case 'over':
      return `application is over after ${(event.lastedMs / 1000).toFixed(1)} s: ${event.title}`
    case 'crashed':
      return `node process ${event.why}; starting another in ${event.restartMs} ms`
  }
}

export class Supervisor {
  readonly #options: SupervisorOptions
  #start: NodeStart
  #child: NodeChild | undefined
  #stopped = false
  #wake: () => void = () => {}
  #listenedEver = false
  #failures = 0
  #restartMs = restartMsMin

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#start = options.start
  }

  /**
   * Resolves when it was asked to end and all is ended.
   *
   * @throws {GoawayError} ERR_GOAWAY_LAUNCH when the node cannot be started
   */
  async run(): Promise<void> {
    while (!this.#stopped) await this.#life()
  }

  /** Lets the node end in order; called again, at once. */
  stop(): void {
    const again = this.#stopped
    this.#stopped = true
    this.#wake()
    if (again) this.#child?.kill()
    else void this.#child?.stop(nodeStopMs)
  }

  /** From the start of one node process to the time for the next. */
  async #life(): Promise<void> {
    let application: { readonly title: string; readonly since: number } | undefined
    const began = performance.now()
    const child = new NodeChild(this.#start, {
      program: this.#options.program,
      execArgv: process.execArgv,
      reported: (report: NodeReport) => {
        if (report.type === 'stop') this.#stopped = true
        if (report.type !== 'claimed') return
        application = report
        this.#options.tell({ type: 'claimed', title: report.title, since: report.since })
      },
    })
    this.#child = child
    const listened = await this.#awaitListening(child)
    const end = await child.exited
    this.#child = undefined
    if (application !== undefined) {
      const { title, since } = application
      this.#options.tell({ type: 'over', title, lastedMs: Math.max(0, Date.now() - since) })
    }
    if (this.#stopped) return
    if (performance.now() - began >= restartForgetMs) this.#restartMs = restartMsMin
    if (listened && end.code === 0) return
    await this.#afterFailure(listened, end)
  }

  async #awaitListening(child: NodeChild): Promise<boolean> {
    try {
      const { port, incarnation } = await child.listening
      const { host } = this.#start.listen
      // Who was given any free port keeps it, so that its next life is found.
      this.#start = { ...this.#start, listen: { host, port } }
      this.#listenedEver = true
      this.#failures = 0
      const { name, tell } = this.#options
      tell({ type: 'listening', name, host, port, incarnation, pid: child.pid })
      return true
    } catch {
      return false
    }
  }

  async #afterFailure(listened: boolean, end: NodeEnd): Promise<void> {
    const why = end.failure === undefined ? end.why : `failed: ${end.failure.message}`
    const failuresMax = this.#listenedEver ? restartFailuresMax : startFailuresMax
    if (!listened && ++this.#failures >= failuresMax) throw this.#givesUp(end)
    const restartMs = this.#restartMs
    this.#restartMs = Math.min(restartMsMax, restartMs * 2)
    this.#options.tell({ type: 'crashed', why, restartMs })
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, restartMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #givesUp({ why, failure }: NodeEnd): GoawayError {
    const where = addressText(this.#start.listen)
    return new GoawayError(
      'ERR_GOAWAY_LAUNCH',
      `Cannot start a node on ${where}, tried ${this.#failures} times: ` +
        (failure?.message ?? `its process ${why}`),
    )
  }
}
