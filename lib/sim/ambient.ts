/**
 * What code in a simulated thread finds around it. While there is a simulation, the global timers,
 * clocks and `Math.random` ask who is calling: code of a simulated thread has the virtual time and
 * the chance of its seed, all other code what it always has.
 */
import { AsyncResource } from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'
import timersPromises from 'node:timers/promises'
import { promisify } from 'node:util'
import { place } from '../client/current.ts'
import { scopes } from '../client/scope.ts'
import type { Timer } from '../clock.ts'
import { SimulatedThread } from './simulated-thread.ts'

/** The simulated thread whose code is running. */
export function callingThread(): SimulatedThread | undefined {
  const home = scopes.getStore()?.home
  return home instanceof SimulatedThread ? home : undefined
}

/** What `setTimeout` returns in a simulated thread. */
class SimulatedTimer {
  readonly #thread: SimulatedThread
  readonly #act: () => void
  readonly #delayMs: number
  readonly #repeats: boolean
  #timer: Timer | undefined

  constructor(thread: SimulatedThread, delayMs: number, repeats: boolean, act: () => void) {
    this.#thread = thread
    // Node waits for a millisecond at least.
    this.#delayMs = Number.isNaN(delayMs) ? 1 : Math.max(1, delayMs)
    this.#repeats = repeats
    this.#act = AsyncResource.bind(act)
    this.refresh()
  }

  refresh(): this {
    this.close()
    this.#timer = this.#thread.setTimer(this.#delayMs, () => {
      this.#timer = undefined
      if (this.#repeats) this.refresh()
      this.#act()
    })
    return this
  }

  close(): this {
    this.#thread.home.clock.clearTimer(this.#timer)
    this.#timer = undefined
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  hasRef(): boolean {
    return true
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

type Act = (...args: unknown[]) => void

const real = {
  setTimeout: globalThis.setTimeout,
  setInterval: globalThis.setInterval,
  setImmediate: globalThis.setImmediate,
  clearTimeout: globalThis.clearTimeout,
  clearInterval: globalThis.clearInterval,
  clearImmediate: globalThis.clearImmediate,
  Date: globalThis.Date,
  random: Math.random,
  now: performance.now,
  pause: timersPromises.setTimeout,
  pauseImmediate: timersPromises.setImmediate,
}

function timerOf(repeats: boolean, original: typeof setTimeout | typeof setInterval) {
  return (act: Act, delayMs = 1, ...args: unknown[]): unknown => {
    const thread = callingThread()
    if (thread === undefined) return original(act, delayMs, ...args)
    return new SimulatedTimer(thread, Number(delayMs), repeats, () => act(...args))
  }
}

function clearer(original: (timer: never) => void) {
  return (timer: unknown): void => {
    if (timer instanceof SimulatedTimer) timer.close()
    else original(timer as never)
  }
}

function immediate(act: Act, ...args: unknown[]): unknown {
  const thread = callingThread()
  if (thread === undefined) return real.setImmediate(act, ...args)
  return new SimulatedTimer(thread, 0, false, () => act(...args))
}

interface PauseOptions {
  readonly signal?: AbortSignal
}

function pause(delayMs?: number, value?: unknown, options: PauseOptions = {}): Promise<unknown> {
  const thread = callingThread()
  if (thread === undefined) return real.pause(delayMs, value, options)
  const { signal } = options
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      timer.close()
      reject(signal?.reason)
    }
    const timer = new SimulatedTimer(thread, delayMs ?? 1, false, () => {
      signal?.removeEventListener('abort', abort)
      resolve(value)
    })
    if (signal?.aborted === true) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
}

/** Who has Node make a promise of a timer gets the one that goes with it. */
function promisable<F extends object>(timer: F, promised: unknown): F {
  return Object.defineProperty(timer, promisify.custom, { value: promised })
}

function pauseImmediate(value?: unknown, options?: PauseOptions): Promise<unknown> {
  const isSimulated = callingThread() !== undefined
  return isSimulated ? pause(0, value, options) : real.pauseImmediate(value, options)
}

function wallNow(): number {
  const thread = callingThread()
  return thread === undefined ? real.Date.now() : Math.floor(thread.home.clock.wallNow())
}

/** The class itself, whose `new Date()` and `Date.now()` show the time of who asks. */
const simulatedDate = new Proxy(real.Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [wallNow()] : args, newTarget) as object,
  apply: () => new simulatedDate().toString(),
  get: (target, name, receiver) =>
    name === 'now' ? wallNow : (Reflect.get(target, name, receiver) as unknown),
})

function install(): void {
  Object.assign(globalThis, {
    setTimeout: promisable(timerOf(false, real.setTimeout), pause),
    setInterval: timerOf(true, real.setInterval),
    setImmediate: promisable(immediate, pauseImmediate),
    clearTimeout: clearer(real.clearTimeout),
    clearInterval: clearer(real.clearInterval),
    clearImmediate: clearer(real.clearImmediate as (timer: never) => void),
    Date: simulatedDate,
  })
  Math.random = () => callingThread()?.random.next() ?? real.random()
  performance.now = () => callingThread()?.home.clock.now() ?? real.now.call(performance)
  timersPromises.setTimeout = pause as typeof timersPromises.setTimeout
  timersPromises.setImmediate = pauseImmediate as typeof timersPromises.setImmediate
  syncBuiltinESMExports()
  place.simulated = callingThread
}

function uninstall(): void {
  const { setTimeout, setInterval, setImmediate } = real
  const { clearTimeout, clearInterval, clearImmediate } = real
  Object.assign(globalThis, { setTimeout, setInterval, setImmediate })
  Object.assign(globalThis, { clearTimeout, clearInterval, clearImmediate, Date: real.Date })
  Math.random = real.random
  performance.now = real.now
  timersPromises.setTimeout = real.pause
  timersPromises.setImmediate = real.pauseImmediate
  syncBuiltinESMExports()
  // What a simulation has left behind still knows that it belongs to one, and starts no real hub.
}

let simulations = 0

/** A simulation begins. Returns what is to be called once at its end. */
export function enterSimulation(): () => void {
  if (simulations++ === 0) install()
  let isOver = false
  return () => {
    if (isOver) return
    isOver = true
    if (--simulations === 0) uninstall()
  }
}

/** Comes back when all that is ready in the real thread is done. */
export function turnOver(): Promise<void> {
  return new Promise((resolve) => {
    real.setImmediate(resolve)
  })
}
