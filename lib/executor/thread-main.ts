/** The life of a pool thread, from its port to its end. */
import { writeSync } from 'node:fs'
import process from 'node:process'
import { inspect } from 'node:util'
import { useCode } from '../client/bundled.ts'
import { Channel } from '../client/channel.ts'
import { place } from '../client/current.ts'
import { HubClient } from '../client/hub-client.ts'
import { PortExecutor } from '../client/port-executor.ts'
import { baselineNow } from '../client/quiet.ts'
import { RoutineTable } from '../client/routine-table.ts'
import { scopes } from '../client/scope.ts'
import { isGoawayError } from '../errors.ts'
import { Recorder } from '../history/recorder.ts'
import { routinesPerClient } from '../limits.ts'
import type { PortFrame } from '../wire/frame.ts'
import type { HubMessage, RunMessage } from '../wire/messages.ts'
import { ThreadWords, wordCulprit } from '../wire/shared-words.ts'
import type { PooledStart } from './pool.ts'
import { Printer } from './printer.ts'
import { isLoadingModule, refuseModule } from './resolve-function.ts'
import { RunLoop } from './run-loop.ts'

/** Serves until it is told to close. */
export function serve(start: PooledStart): Promise<void> {
  if (start.code !== undefined) useCode(start.code)
  if (start.argv !== undefined) process.argv.splice(2, Infinity, ...start.argv)
  const words = new ThreadWords(start.words)
  const channel = new Channel(start.port, words, new Int32Array(start.hubWords))
  // The thread lives as long as its port: nothing in it need keep it alive.
  const keeper = { retain() {}, release() {} }
  const client = new HubClient(start.client, channel, keeper)
  const routines = new RoutineTable(keeper, start.client * routinesPerClient)
  routines.executor = new PortExecutor(client, routines)
  client.onLost((error) => routines.lose(error))
  place.isLoading = isLoadingModule
  place.refused = (error) => {
    reported.add(error)
    refuseModule(error)
  }
  const { node: name, thread, threads, clustered, history } = start
  const recorder = history === undefined ? undefined : new Recorder(history)
  place.node = { name, client, routines, thread, threads, clustered, recorder }
  const printer = start.printsToHub ? new Printer(channel) : undefined
  const beforeEnd = printer?.settle.bind(printer)
  const loop = new RunLoop(client, { node: name, thread, beforeEnd })
  watchThread({ loop, words, printer })
  client.onLetter(() => loop.checkLater())
  return new Promise((resolve) => {
    client.deliver = (messages) => {
      for (const message of messages) {
        if (message[0] === 'close') {
          start.port.close()
          recorder?.close()
          return resolve()
        }
        if (message[0] === 'code') useCode(message[1] as string)
        else if (!loop.take(message as RunMessage)) client.dispatch(message as HubMessage)
      }
      loop.pump()
    }
    start.port.on('message', (frame: PortFrame) => client.receive(frame))
    const baseline = baselineNow()
    client.answerWhetherQuiet(() => baseline)
    channel.send(['open'])
  })
}

/** What the thread serves with now; the pool may use a thread that was closed once more. */
interface Served {
  readonly loop: RunLoop
  readonly words: ThreadWords
  /** Where output goes, if not to this process. */
  readonly printer: Printer | undefined
}

let served: Served | undefined

function watchThread(by: Served): void {
  const isFirst = served === undefined
  served = by
  if (!isFirst) return
  redirectOutput()
  watchExit()
  watchErrors()
}

/**
 * Writes what routines print straight to the terminal. Node would send it through the thread that
 * made this one, and so on up to the main thread, which may be blocked.
 */
function redirectOutput(): void {
  const streams = [
    [process.stdout, 1],
    [process.stderr, 2],
  ] as const
  for (const [stream, descriptor] of streams) {
    stream.write = (
      chunk: Uint8Array | string,
      encoding?: BufferEncoding | ((error?: Error | null) => void),
      callback?: (error?: Error | null) => void,
    ): boolean => {
      const bytes =
        typeof chunk === 'string'
          ? Buffer.from(chunk, typeof encoding === 'string' ? encoding : 'utf8')
          : chunk
      print(descriptor, bytes)
      const done = typeof encoding === 'function' ? encoding : callback
      if (done !== undefined) queueMicrotask(() => done())
      return true
    }
  }
}

/** Writes to the terminal of this process, or to that of the program at another node. */
function print(descriptor: number, bytes: Uint8Array): void {
  const printer = served?.printer
  if (printer === undefined) writeAll(descriptor, bytes)
  else printer.print(descriptor, bytes)
}

const pause = new Int32Array(new SharedArrayBuffer(4))

function writeAll(descriptor: number, bytes: Uint8Array): void {
  let at = 0
  while (at < bytes.length) {
    try {
      at += writeSync(descriptor, bytes, at)
    } catch (error) {
      // The reader is slow; this thread waits for it, and only this thread.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      Atomics.wait(pause, 0, 0, 2)
    }
  }
}

/** Remembers who called process.exit, which ends this thread and nothing else. */
function watchExit(): void {
  const exit = process.exit
  process.exit = (code?: string | number | null): never => {
    served?.printer?.settle()
    const slot = served?.loop.begunOf(scopes.getStore())?.slot
    if (slot !== undefined) Atomics.store((served as Served).words.words, wordCulprit, slot + 1)
    return exit(code)
  }
}

/**
 * Errors that the load of a module fails with: where nobody catches them they need no second
 * mention.
 */
const reported = new WeakSet<object>()

/**
 * An error nobody caught fails the routine it came from, and not the thread with all its
 * neighbours.
 */
function watchErrors(): void {
  const take = (error: unknown): void => {
    if (typeof error === 'object' && error !== null && reported.has(error)) return
    const scope = scopes.getStore()
    if (served?.loop.failRoutine(scope, error) === true) return
    const owner = scope?.owner ?? 0
    const where = owner === 0 ? 'outside of any routine' : `in routine ${owner}, which is over`
    print(2, Buffer.from(`Uncaught error on a thread, ${where}: ${inspect(error)}\n`))
  }
  process.on('uncaughtException', take)
  process.on('unhandledRejection', (error) => {
    // A wait that ended with its routine: nobody is left to whom it matters.
    const isStopping = served?.loop.isStopping(scopes.getStore()) === true
    if (isStopping && isGoawayError(error, 'ERR_GOAWAY_CANCELLED')) return
    take(error)
  })
  // On Node 20 what a microtask throws has lost its context by the time it is seen as uncaught.
  const queue = globalThis.queueMicrotask
  globalThis.queueMicrotask = (act) => {
    if (typeof act !== 'function' || scopes.getStore() === undefined) return queue(act)
    queue(() => {
      try {
        act()
      } catch (error) {
        take(error)
      }
    })
  }
}
