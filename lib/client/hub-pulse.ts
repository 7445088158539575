/**
 * Whether the hub is alive, as a thread sees it that is blocked and hears no event. A hub that
 * throws says so by a word. One that ends without a word (terminated, out of memory) is known by
 * its thread, which the system lists no more; where the system has no such list, by a long silence.
 * A hub that is only slow, since the machine has no processor for it, is alive.
 */
import { existsSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { beatPatienceMs, pulseLookMs, silenceMs } from '../limits.ts'
import { wordBeat, wordDead, wordHubThread } from '../wire/shared-words.ts'

export interface PulseSources {
  /** Milliseconds, steady. */
  readonly now: () => number
  /** Whether this process still has the thread of that number. */
  readonly isThere: (systemThread: number) => boolean
}

const real: PulseSources = {
  now: () => performance.now(),
  isThere: (systemThread) => existsSync(`/proc/self/task/${systemThread}`),
}

/** Called in the hub's own thread, before anybody waits for it. */
export function leaveSystemThread(hubWords: Int32Array): void {
  Atomics.store(hubWords, wordHubThread, systemThread())
}

/** The system's number of this thread; 0: it does not tell. */
function systemThread(): number {
  try {
    return Number(basename(readlinkSync('/proc/thread-self'))) || 0
  } catch {
    return 0
  }
}

export class HubPulse {
  readonly #hubWords: Int32Array
  readonly #sources: PulseSources
  #beat = -1
  #silentMs = 0
  #lookedAt = 0

  constructor(hubWords: Int32Array, sources: PulseSources = real) {
    this.#hubWords = hubWords
    this.#sources = sources
  }

  /** To be asked each `pulseLookMs` while the thread is blocked. */
  isGone(): boolean {
    if (Atomics.load(this.#hubWords, wordDead) !== 0) return true
    const now = this.#sources.now()
    const beat = Atomics.load(this.#hubWords, wordBeat)
    // A process that was stopped for long (Ctrl-Z, a suspended machine) stops its hub as well: only
    // the time between looks that came when they were due counts as silence.
    if (beat === this.#beat) this.#silentMs += Math.min(now - this.#lookedAt, pulseLookMs * 2)
    else this.#silentMs = 0
    this.#beat = beat
    this.#lookedAt = now
    if (this.#silentMs <= silenceMs) return false
    const thread = Atomics.load(this.#hubWords, wordHubThread)
    return thread === 0 ? this.#silentMs > beatPatienceMs : !this.#sources.isThere(thread)
  }
}
