/** What the tests of locks run on other threads. */
import process from 'node:process'
import { type AsyncLock, context, Lock, StrictCentralized } from 'goaway'
import { Lock as BlockingLock, StrictCentralized as BlockingObject } from 'goaway/sync'

/** What routines and the test tell each other by. */
export const signs = StrictCentralized<Record<string, unknown>>('signs')
export const blockingSigns = BlockingObject<Record<string, unknown>>('signs')

const codeOf = (error: unknown): string => (error as { code: string }).code

/** A counter that only the lock keeps from losing something. */
export async function countUnderLock(name: string, times: number): Promise<void> {
  const lock = Lock(name)
  for (let time = 0; time < times; time++) {
    await lock.with(async () => {
      const before = ((await signs.get(name)) as number | undefined) ?? 0
      await signs.set(name, before + 1)
    })
  }
}

export function countUnderBlockingLock(name: string, times: number): void {
  for (let time = 0; time < times; time++) {
    using _held = BlockingLock(name).acquire()
    blockingSigns[name] = ((blockingSigns[name] as number | undefined) ?? 0) + 1
  }
}

/** Waits for the lock, and adds its name to the list of who had it. */
export async function queueUp(name: string, who: number): Promise<number> {
  // In this order on the way to the hub: whoever sees the sign knows that the lock was asked for.
  const acquiring = Lock(name).acquire()
  await signs.set(`${name}-coming`, who)
  const held = await acquiring
  await signs.update(`${name}-order`, (order) => [...((order as number[] | undefined) ?? []), who])
  held.release()
  return held.token
}

/** Holds the lock until a sign, or for ever. */
export async function holdUntil(name: string, sign: string): Promise<void> {
  using held = await Lock(name).acquire()
  await signs.set(`${name}-held`, held.token)
  await signs.waitFor(sign)
}

export async function endWithoutRelease(name: string): Promise<number> {
  return (await Lock(name).acquire()).token
}

export async function throwWithoutRelease(name: string): Promise<void> {
  await Lock(name).acquire()
  throw new Error('thrown with the lock')
}

export async function exitHolding(name: string): Promise<void> {
  await Lock(name).acquire()
  await signs.set(`${name}-held`, true)
  process.exit(1)
}

export async function spinHolding(name: string): Promise<void> {
  await Lock(name).acquire()
  await signs.set(`${name}-held`, true)
  for (;;);
}

/** Ends, while what it left behind still means to write under its lock. */
export async function writeWhenOver(name: string): Promise<number> {
  const held = await Lock(name).acquire()
  void (async () => {
    await signs.waitFor(`${name}-go`).catch(() => {})
    const written = signs.set(`${name}-written`, 'by the past')
    // It may be refused while the next write is awaited.
    written.catch(() => {})
    await signs.set(`${name}-refused`, 'was allowed').catch(() => {})
    await written.catch(async (error: unknown) => {
      held.release()
      await signs.set(`${name}-refused`, codeOf(error))
    })
  })()
  return held.token
}

/** Ends, and what it left behind acquires and waits. */
export async function acquireWhenOver(name: string): Promise<void> {
  const lock = Lock(name)
  const attempts = [() => lock.acquire(), () => lock.tryAcquire()]
  setTimeout(async () => {
    const codes: string[] = []
    for (const attempt of attempts) {
      await attempt().then(
        () => codes.push('granted'),
        (error: unknown) => codes.push(codeOf(error)),
      )
    }
    try {
      BlockingLock(name).acquire()
      codes.push('granted')
    } catch (error) {
      codes.push(codeOf(error))
    }
    await signs.set(`${name}-over`, codes)
  }, 1)
}

/** What acquiring again is answered, in every way. */
export async function acquireTwice(name: string): Promise<string[]> {
  const lock = Lock(name)
  const held = await lock.acquire()
  const codes: string[] = []
  const note = (error: unknown): number => codes.push(codeOf(error))
  await lock.acquire().catch(note)
  await lock.tryAcquire().catch(note)
  for (const attempt of [
    () => BlockingLock(name).acquire(),
    () => BlockingLock(name).tryAcquire(),
  ]) {
    try {
      attempt()
    } catch (error) {
      note(error)
    }
  }
  held.release()
  try {
    lock.release()
  } catch (error) {
    note(error)
  }
  return codes
}

/** One half of an embrace: holds one lock, and wants the other when its fellow holds that. */
export async function embrace(first: string, second: string, blocking: boolean): Promise<string> {
  const held = await Lock(first).acquire()
  await signs.set(`${first}-held`, true)
  await signs.waitFor(`${second}-held`)
  try {
    if (blocking) BlockingLock(second).acquire().release()
    else (await Lock(second).acquire()).release()
    return 'granted'
  } catch (error) {
    return codeOf(error)
  } finally {
    held.release()
  }
}

export function acquireBlocking(name: string, timeoutMs?: number): string {
  try {
    BlockingLock(name)
      .acquire(timeoutMs === undefined ? {} : { timeoutMs })
      .release()
    return 'granted'
  } catch (error) {
    return codeOf(error)
  }
}

/** Blocks for a lock, and tells why it was woken. */
export async function waitForLock(name: string, blocking: boolean): Promise<void> {
  const lock: AsyncLock = Lock(name)
  if (blocking) blockingSigns.set(`${name}-waiting`, true)
  else await signs.set(`${name}-waiting`, true)
  try {
    if (blocking) BlockingLock(name).acquire()
    else await lock.acquire()
  } catch (error) {
    await signs.set(`${name}-woken`, `${codeOf(error)} ${context().cancelled}`)
    throw error
  }
}

/** Stops when it is told to, and needs a lock to clean up. */
export async function cleanUpUnderLock(name: string): Promise<void> {
  await signs.set(`${name}-running`, true)
  while (!context().cancelled) await signs.has('never')
  await signs.set(`${name}-stopping`, true)
  await Lock(name).with(() => signs.set(`${name}-clean`, true))
}

/** Waits to be cancelled, and gives its lock back when it hears of it. */
export async function releaseOnAbort(name: string): Promise<void> {
  const lock = Lock(name)
  const { id, signal } = context()
  await lock.acquire()
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => {
      const own = context().id === id
      try {
        lock.release()
        void signs.set(`${name}-heard`, own ? 'released' : 'elsewhere').then(() => resolve())
      } catch (error) {
        void signs.set(`${name}-heard`, codeOf(error)).then(() => resolve())
      }
    })
    void signs.set(`${name}-listening`, true)
  })
}

/** Ends with its lock, and tells whether what it left behind is told that the lock is lost. */
export async function loseByEnding(name: string): Promise<void> {
  const held = await Lock(name).acquire()
  const unheard = await Lock(`${name}-unheard`).acquire()
  const given = await Lock(`${name}-given`).acquire()
  const { lost } = given
  given.release()
  held.lost.addEventListener('abort', () => {
    held.release()
    // By then all that the end brings with it has been told.
    setTimeout(() => {
      const told = [codeOf(held.lost.reason), unheard.lost.aborted, lost.aborted]
      unheard.release()
      void signs.set(`${name}-lost`, told)
    }, 1)
  })
}
