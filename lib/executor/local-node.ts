/** This node's own threads, as one of the nodes that routines are placed on. */

import { dropPayload } from '../client/payload.ts'
import { routinesPerNode } from '../limits.ts'
import { mayGo } from '../protocol/recall.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { Payload } from '../wire/messages.ts'
import type { Outcome, Report, Task } from './contract.ts'
import type { NodeReport, RecallTerms, RemoteNode } from './remote-node.ts'
import type { ThreadExecutor } from './thread-executor.ts'

export interface NodeFacts {
  readonly place: number
  /** Its number in the cluster file; 0 the spawner. */
  readonly index: number
  readonly name: string
  readonly labels: readonly string[]
  /** Routines that it runs at a time; 0: only what is to run where it was started. */
  readonly threads: number
}

export class LocalNode implements RemoteNode {
  readonly place: number
  readonly index: number
  readonly name: string
  readonly labels: readonly string[]
  readonly threads: number
  readonly takesPorts = true
  readonly #executor: ThreadExecutor
  readonly #report: NodeReport

  constructor(
    { place, index, name, labels, threads }: NodeFacts,
    executor: ThreadExecutor,
    report: NodeReport,
  ) {
    this.place = place
    this.index = index
    this.name = name
    this.labels = labels
    this.threads = threads
    this.#executor = executor
    this.#report = report
  }

  order(task: Task, attempt: number, waitedMs: number): void {
    const { routine, owner, address, payload, terms } = task
    this.#executor.submit({ routine, owner, address, payload, terms, attempt, waitedMs })
  }

  cancel(routine: number, reason: ErrorRecord, graceMs: number): void {
    this.#executor.cancel(routine, reason, graceMs)
  }

  credit(routine: number, values: number): void {
    this.#executor.credit(routine, values)
  }

  finish(routine: number): void {
    this.#executor.finish(routine)
  }

  recall(most: number, { name, labels }: RecallTerms): void {
    const isMeant = ({ routine, terms }: Task): boolean =>
      Math.floor(routine / routinesPerNode) === this.place && mayGo(terms, name, labels)
    const { tasks, left } = this.#executor.takeBack(most, isMeant)
    for (const { routine, payload } of tasks) this.#report.returned(routine, payload)
    // All that it was sent is there.
    this.#report.recalled(Infinity, left)
  }
}

/** Hands what a node's threads tell to the node where the routine was started. */
export class ReportByPlace implements Report {
  readonly #of: (place: number) => Report | undefined

  constructor(of: (place: number) => Report | undefined) {
    this.#of = of
  }

  #reportOf(routine: number): Report | undefined {
    return this.#of(Math.floor(routine / routinesPerNode))
  }

  started(routine: number, node: string, thread: number, attempt: number): void {
    this.#reportOf(routine)?.started(routine, node, thread, attempt)
  }

  value(routine: number, payload: Payload): void {
    const report = this.#reportOf(routine)
    if (report === undefined) dropPayload(payload)
    else report.value(routine, payload)
  }

  settled(routine: number, outcome: Outcome): void {
    const report = this.#reportOf(routine)
    if (report !== undefined) report.settled(routine, outcome)
    else if (outcome.ok) dropPayload(outcome.payload)
  }
}
