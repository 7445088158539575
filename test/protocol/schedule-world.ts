/**
 * Threads for the schedule machine, played from a seed: they begin what they are given in order,
 * end it, park and give the rest back, block, wake up, and are lost. After each step the rules of
 * docs/protocols/schedule.md (R1..) are checked; `broken` throws with the seed and what came
 * before it.
 */
import {
  lastFirst,
  type ScheduleInput,
  type ScheduleOutput,
  type ScheduleParameters,
  type ScheduleState,
  schedule,
} from '../../lib/protocol/schedule.ts'
import type { RoutineState } from '../../lib/protocol/schedule-state.ts'

/** A small generator of numbers: the same from the same seed, everywhere. */
export function seeded(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e3779b9) | 0
    const mixed = Math.imul(state ^ (state >>> 13), 3_266_489_917)
    return ((mixed ^ (mixed >>> 16)) >>> 0) % below
  }
}

interface PlayedThread {
  readonly id: number
  phase: 'opening' | 'open' | 'closing'
  /** Assigned and not begun, in order. */
  waiting: { readonly id: number; readonly share: boolean }[]
  begun: Set<number>
  /** The one whose synchronous part runs now, 0 for none. */
  current: number
  blocked: boolean
}

interface PlayedRoutine {
  readonly isolate: boolean
  /** 0 while it is queued. */
  thread: number
  begun: boolean
  cancelled: boolean
}

const dispatchesMax = 100

export class ScheduleWorld {
  readonly state: ScheduleState
  readonly threads = new Map<number, PlayedThread>()
  /** Submitted and not settled. */
  readonly routines = new Map<number, PlayedRoutine>()
  settled = 0
  openedMost = 0
  readonly #seed: number
  readonly #log: string[] = []
  #nextRoutine = 1

  constructor(seed: number, parameters: ScheduleParameters) {
    this.#seed = seed
    this.state = schedule.initial(parameters)
  }

  broken(rule: string): never {
    throw new Error(`${rule} is broken, seed ${this.#seed}:\n${this.#log.slice(-40).join('\n')}`)
  }

  input(input: ScheduleInput): readonly ScheduleOutput[] {
    this.#log.push(JSON.stringify(input))
    const outputs = schedule.step(this.state, input)
    for (const output of outputs) {
      this.#log.push(`  ${JSON.stringify(output)}`)
      this.#perform(output)
    }
    return outputs
  }

  /** As the driver does: until nothing more comes of it. */
  dispatch(): void {
    for (let times = 0; times < dispatchesMax; times++) {
      const before = this.#countRunning()
      const outputs = this.input({ type: 'dispatch' })
      this.check()
      const most = Math.max(before, this.state.parameters.threads)
      if (this.#countRunning() > most) this.broken('R9: no more threads run than may')
      if (!outputs.some(({ type }) => type === 'revoke')) return
    }
    this.broken('R9: dispatch comes to rest')
  }

  /** By what the machine knows: threads that open, and those that neither park nor block. */
  #countRunning(): number {
    let running = 0
    for (const { phase, blocked, parked, held } of this.state.threads.values()) {
      if (phase === 'opening' || (phase === 'open' && !blocked && !parked && held.size > 0))
        running++
    }
    return running
  }

  submit(child: boolean, priority = 0, isolate = false, fn = 'fn'): number {
    const id = this.#nextRoutine++
    this.routines.set(id, { isolate, thread: 0, begun: false, cancelled: false })
    this.input({ type: 'submit', id, child, priority, isolate, fn })
    return id
  }

  cancel(id: number): void {
    const routine = this.routines.get(id)
    if (routine === undefined || routine.cancelled) return
    routine.cancelled = true
    this.input({ type: 'cancel', id })
  }

  /** Some that have not begun are given back to whoever ordered them, and ordered again. */
  takeBack(most: number): void {
    const found = [...lastFirst(this.state)]
    if (new Set(found).size < found.length) this.broken('R1: what waits is found once')
    for (const id of found.slice(0, most)) {
      const routine = this.routines.get(id) as PlayedRoutine
      if (routine.begun || routine.cancelled) continue
      const { child, priority, isolate, fn } = this.state.routines.get(id) as RoutineState
      const thread = this.threads.get(routine.thread)
      if (thread !== undefined) thread.waiting = thread.waiting.filter((one) => one.id !== id)
      routine.thread = 0
      this.input({ type: 'withdrawn', id })
      this.input({ type: 'submit', id, child, priority, isolate, fn })
    }
  }

  opened(id: number): void {
    this.#thread(id).phase = 'open'
    this.input({ type: 'threadOpened', thread: id })
  }

  /** Begins the next routine, if the thread may; false if it may not. */
  begin(id: number): boolean {
    const thread = this.#thread(id)
    const [next] = thread.waiting
    if (next === undefined || thread.current !== 0 || thread.blocked) return false
    if (thread.begun.size > 0 && !next.share) return false
    thread.waiting.shift()
    thread.begun.add(next.id)
    thread.current = next.id
    const routine = this.routines.get(next.id) as PlayedRoutine
    if (routine.begun) this.broken('R1: no routine begins twice')
    routine.begun = true
    if (thread.begun.size > 1) this.#checkShared(thread)
    return true
  }

  /** The event loop goes round: what is begun is parked, the rest is given back. */
  park(id: number): boolean {
    const thread = this.#thread(id)
    if (thread.blocked || thread.begun.size === 0) return false
    thread.current = 0
    if (thread.waiting.some(({ share }) => share)) return false
    const returned = thread.waiting.map((one) => one.id)
    thread.waiting = []
    for (const one of returned) (this.routines.get(one) as PlayedRoutine).thread = 0
    this.input({ type: 'parked', thread: id, returned })
    return true
  }

  block(id: number): boolean {
    const thread = this.#thread(id)
    if (thread.blocked || thread.current === 0) return false
    thread.blocked = true
    this.input({ type: 'blocked', thread: id })
    return true
  }

  unblock(id: number): boolean {
    const thread = this.#thread(id)
    if (!thread.blocked) return false
    thread.blocked = false
    this.input({ type: 'unblocked', thread: id })
    return true
  }

  resume(id: number): void {
    this.input({ type: 'resumed', thread: id })
  }

  end(id: number): void {
    const routine = this.routines.get(id)
    if (routine?.begun !== true) return
    const thread = this.#thread(routine.thread)
    thread.begun.delete(id)
    if (thread.current === id) thread.current = 0
    this.routines.delete(id)
    this.settled++
    this.input({ type: 'ended', id })
  }

  lose(id: number): void {
    const thread = this.#thread(id)
    this.threads.delete(id)
    // What had not begun is submitted again by the driver, once it is told.
    this.input({ type: 'threadLost', thread: id })
    for (const one of thread.begun) if (this.routines.delete(one)) this.settled++
  }

  retire(id: number): void {
    this.input({ type: 'retire', thread: id })
  }

  #thread(id: number): PlayedThread {
    return this.threads.get(id) as PlayedThread
  }

  #perform(output: ScheduleOutput): void {
    switch (output.type) {
      case 'openThread': {
        const { thread: id } = output
        const rest = { waiting: [], begun: new Set<number>(), current: 0, blocked: false }
        this.threads.set(id, { id, phase: 'opening', ...rest })
        this.openedMost = Math.max(this.openedMost, this.threads.size)
        return
      }
      case 'closeThread':
        if (this.#thread(output.thread).begun.size > 0) this.broken('R8: only idle threads close')
        this.#thread(output.thread).phase = 'closing'
        return
      case 'assign':
        return this.#assign(output.thread, output.id, output.share)
      case 'revoke':
        return this.#revoke(output.thread, output.id)
      case 'dropped':
        if (this.routines.get(output.id)?.thread !== 0)
          this.broken('R2: only the queued are dropped')
        this.routines.delete(output.id)
        this.settled++
        return
      case 'stop':
        // It stops when it pleases: the play ends it some time.
        if (this.routines.get(output.id)?.thread !== output.thread) this.broken('R1')
        return
      case 'lost':
        return this.#lost(output.ids)
      case 'spare':
        return
    }
  }

  #assign(threadId: number, id: number, share: boolean): void {
    const routine = this.routines.get(id)
    const thread = this.threads.get(threadId)
    if (routine === undefined) return this.broken('R2: what is settled is not assigned')
    if (routine.thread !== 0) this.broken('R1: no routine is assigned twice')
    if (thread?.phase !== 'open') return this.broken('R8: only open threads are given routines')
    routine.thread = threadId
    thread.waiting.push({ id, share })
  }

  #revoke(threadId: number, id: number): void {
    const thread = this.#thread(threadId)
    const before = thread.waiting.length
    thread.waiting = thread.waiting.filter((one) => one.id !== id)
    const taken = thread.waiting.length < before
    if (taken) (this.routines.get(id) as PlayedRoutine).thread = 0
    this.input({ type: 'revoked', id, taken })
  }

  #lost(ids: readonly number[]): void {
    for (const id of ids) {
      const routine = this.routines.get(id)
      if (routine === undefined || routine.begun) continue
      routine.thread = 0
      const { isolate } = routine
      const rest = { child: false, priority: 0, fn: 'again' }
      if (routine.cancelled) {
        this.routines.delete(id)
        this.settled++
      } else this.input({ type: 'submit', id, isolate, ...rest })
    }
  }

  #checkShared(thread: PlayedThread): void {
    for (const id of thread.begun) {
      if (this.routines.get(id)?.isolate === true) this.broken('R5: an isolated one shares nothing')
    }
  }

  /** The rules that hold after each step. */
  check(): void {
    const { state } = this
    for (const [id, routine] of this.routines) {
      const known = state.routines.get(id)
      if (known === undefined) this.broken(`R1: routine ${id} is not lost`)
      if (known.thread !== routine.thread) this.broken(`R1: routine ${id} is where it is`)
    }
    if (state.routines.size !== this.routines.size) this.broken('R2: what is settled is forgotten')
    let queued = 0
    for (const { thread } of this.routines.values()) if (thread === 0) queued++
    if (state.queued !== queued) this.broken(`R1: ${queued} are queued, not ${state.queued}`)
    if (this.threads.size > state.parameters.threadsCeiling) this.broken('R8: the ceiling')
    for (const thread of state.threads.values()) {
      if (thread.unbegun.length > state.parameters.window) this.broken('R6: the window')
    }
  }
}
