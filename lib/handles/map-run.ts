/**
 * One `map`: draws items as there is room, sends them in chunks, and settles when nothing of it
 * runs any more.
 *
 * - What is told of routines arrives outside of any routine. All that follows from it, and the
 *   caller's own code above all, runs in the caller's asynchronous context.
 * - A chunk stays one until it is over: what is tried again of it keeps its place.
 */
import { AsyncResource } from 'node:async_hooks'
import type { Node } from '../client/current.ts'
import { errorOf } from '../client/error-codec.ts'
import { dropPayload, packList } from '../client/payload.ts'
import { GoawayError, isGoawayError } from '../errors.ts'
import {
  mapAheadFactor,
  mapChunksPerThread,
  mapErrorsMax,
  mapHedgeFactor,
  mapHedgeMsMin,
} from '../limits.ts'
import type { ItemsResult } from '../wire/item-messages.ts'
import type { FunctionAddress } from '../wire/messages.ts'
import { ChunkSize } from './chunk-size.ts'
import { type ItemSource, type SourceListener, sourceOf } from './item-source.ts'
import { MapChunk } from './map-chunk.ts'
import { type MapFailure, mapError } from './map-error.ts'
import type { MapSettings } from './map-options.ts'
import { MapPlaces } from './map-places.ts'
import { MapResults } from './map-results.ts'
import { RoutineState } from './routine-state.ts'

/** Whoever wants the results. */
export interface MapListener {
  /** There is more to read. */
  arrived(): void
  /** All is over, and nothing of it runs any more. */
  ended(outcome: { readonly error: unknown } | undefined): void
}

export interface MapTask {
  readonly node: Node
  /** Of the function, over items. */
  readonly address: FunctionAddress
  readonly name: string
  readonly items: unknown
  readonly settings: MapSettings
}

/** A chunk is lost with its thread or node: who may do it again does. */
const losses = new Set(['ERR_GOAWAY_THREAD_LOST', 'ERR_GOAWAY_NODE_LOST', 'ERR_GOAWAY_LINK_LOST'])
/** Errors of a chunk that are about its items; others are about all that the map will ever do. */
const ofItems = new Set([...losses, 'ERR_GOAWAY_TIMEOUT'])

/** How far a new measurement moves the mean time of a chunk. */
const weight = 0.25

export class MapRun implements SourceListener {
  readonly results: MapResults
  /** Somebody reads the results one by one: no more are made than there is room for. */
  isRead = false
  readonly #task: MapTask
  readonly #listener: MapListener
  readonly #size: ChunkSize
  readonly #places: MapPlaces
  readonly #place = new AsyncResource('goaway.map')
  readonly #live = new Set<MapChunk>()
  readonly #routines = new Set<RoutineState>()
  readonly #failures: MapFailure[] = []
  #source: ItemSource | undefined
  #chunks = 0
  #drawn = 0
  #done = 0
  #chunkMs: number | undefined
  #hedging: NodeJS.Timeout | undefined
  /** Why it is being stopped, if it is. */
  #ending: { readonly error: unknown } | undefined
  #isPumping = false
  #isClosing = false
  #isOver = false
  #unfollow: (() => void) | undefined

  constructor(task: MapTask, listener: MapListener) {
    this.#task = task
    this.#listener = listener
    this.results = new MapResults(task.settings.order)
    this.#size = new ChunkSize(task.settings.chunkSize)
    this.#places = new MapPlaces(task.node, task.settings.terms)
  }

  start(): void {
    const { signal } = this.#task.settings
    if (signal?.aborted === true) return this.cancel(signal.reason)
    if (signal !== undefined) this.#follow(signal)
    try {
      this.#source = sourceOf(this.#task.items, this)
    } catch (error) {
      return this.#stop(error)
    }
    this.#pump()
  }

  #follow(signal: AbortSignal): void {
    const abort = (): void => this.cancel(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    this.#unfollow = () => signal.removeEventListener('abort', abort)
  }

  cancel(reason?: unknown): void {
    const details = reason === undefined ? {} : { cause: reason }
    const text = `map() over ${this.#task.name} was cancelled`
    this.#act(() => this.#stop(new GoawayError('ERR_GOAWAY_CANCELLED', text, details)))
  }

  /** The source has a chunk; or there is room again. */
  ready(): void {
    this.#act(() => this.#pump())
  }

  failed(error: unknown): void {
    this.#act(() => this.#stop(error))
  }

  #act(act: () => void): void {
    this.#place.runInAsyncScope(act)
  }

  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    try {
      while (this.#hasRoom()) {
        const items = this.#draw()
        if (items.length === 0) break
        const chunk = new MapChunk(this.#chunks++, this.#drawn, items)
        this.#drawn += items.length
        this.#live.add(chunk)
        this.#send(chunk)
      }
    } catch (error) {
      this.#stop(error)
    } finally {
      this.#isPumping = false
    }
    this.#look()
  }

  #draw(): unknown[] {
    const source = this.#source as ItemSource
    const remaining = source.total === undefined ? undefined : source.total - this.#drawn
    return source.draw(this.#size.next(remaining, this.#places.threads()))
  }

  #hasRoom(): boolean {
    if (this.#ending !== undefined || this.#source?.ended !== false) return false
    const most = this.#concurrency()
    if (this.#live.size >= most) return false
    return !this.isRead || this.#live.size + this.results.chunks < most * mapAheadFactor
  }

  #concurrency(): number {
    return this.#task.settings.concurrency ?? this.#places.threads() * mapChunksPerThread
  }

  #send(chunk: MapChunk, terms = this.#task.settings.terms): void {
    const { node, address, name, settings } = this.#task
    const { collects, attemptsMax } = settings
    const copy: RoutineState = new RoutineState(
      name,
      terms.graceMs,
      (result) => this.#act(() => this.#ended(chunk, copy, result as ItemsResult)),
      (error) => this.#act(() => this.#lost(chunk, copy, error)),
    )
    chunk.copies.add(copy)
    this.#routines.add(copy)
    chunk.sentAt = performance.now()
    try {
      const order = chunk.order(collects || chunk.attempt < attemptsMax)
      copy.submit(node, address, order, { options: {}, terms })
    } catch (error) {
      this.#forget(chunk, copy)
      this.#refused(chunk, error)
    }
  }

  /** False if it no longer counts: its double was faster. */
  #forget(chunk: MapChunk, copy: RoutineState): boolean {
    this.#routines.delete(copy)
    return chunk.copies.delete(copy)
  }

  #ended(chunk: MapChunk, copy: RoutineState, [results, failures, elapsedMs]: ItemsResult): void {
    if (!this.#forget(chunk, copy)) return
    if (this.#ending !== undefined) return this.#look()
    this.#dropDoubles(chunk)
    this.#learn(chunk, results.length, elapsedMs)
    chunk.take(results)
    if (failures.length > 0 && chunk.attempt < this.#task.settings.attemptsMax) {
      chunk.leave(failures.map(([at]) => chunk.placeOf(at)))
      return this.#sendAgain(chunk)
    }
    for (const [at, record] of failures) {
      const place = chunk.placeOf(at)
      const index = chunk.first + place
      this.#fail(chunk, place, errorOf(record, { routine: copy.id, index }))
    }
    this.#conclude(chunk)
  }

  #learn(chunk: MapChunk, items: number, elapsedMs: number): void {
    this.#size.learn(items, elapsedMs)
    const tookMs = performance.now() - chunk.sentAt
    const before = this.#chunkMs
    this.#chunkMs = before === undefined ? tookMs : before + (tookMs - before) * weight
  }

  #sendAgain(chunk: MapChunk): void {
    chunk.attempt++
    chunk.isHedged = false
    this.#send(chunk)
  }

  /** The routine that had the chunk has no results. */
  #lost(chunk: MapChunk, copy: RoutineState, error: unknown): void {
    if (!this.#forget(chunk, copy)) return
    if (this.#ending !== undefined) return this.#look()
    const { code = '' } = error as { code?: string }
    // Its double is at work on it still; and whatever ended a double, the first may do it.
    if (chunk.copies.size > 0) return
    this.#dropDoubles(chunk)
    if (losses.has(code) && chunk.attempt < this.#task.settings.attemptsMax) {
      return this.#sendAgain(chunk)
    }
    const remaining = chunk.remaining()
    if (!(error instanceof GoawayError)) return this.#stop(error)
    if (!Object.hasOwn(error, 'index')) {
      const items = remaining.length === 1 ? {} : { items: remaining.length }
      Object.assign(error, { index: chunk.first + (remaining[0] ?? 0), ...items })
    }
    if (!ofItems.has(code)) return this.#stop(error)
    for (const place of remaining) this.#fail(chunk, place, error)
    this.#conclude(chunk)
  }

  /** The chunk could not be sent: items that cannot be passed fail, and the others go alone. */
  #refused(chunk: MapChunk, error: unknown): void {
    if (!isGoawayError(error, 'ERR_GOAWAY_VALUE')) return this.#stop(error)
    const rest: number[] = []
    for (const place of chunk.remaining()) {
      const index = chunk.first + place
      try {
        dropPayload(packList(chunk.items[place], `item ${index}`))
        rest.push(place)
      } catch (refusal) {
        this.#fail(chunk, place, Object.assign(refusal as GoawayError, { index }))
      }
    }
    if (rest.length === chunk.remaining().length) return this.#stop(error)
    chunk.leave(rest)
    if (rest.length === 0) this.#conclude(chunk)
    else if (this.#ending === undefined) this.#send(chunk)
  }

  #dropDoubles(chunk: MapChunk): void {
    const doubles = [...chunk.copies]
    chunk.copies.clear()
    for (const double of doubles) {
      this.#routines.delete(double)
      cancelQuietly(double, 'another routine was faster')
    }
  }

  #fail(chunk: MapChunk, place: number, error: GoawayError): void {
    if (!this.#task.settings.collects) return this.#stop(error)
    chunk.fail(place)
    this.#failures.push({ index: chunk.first + place, error })
  }

  #conclude(chunk: MapChunk): void {
    this.#live.delete(chunk)
    if (this.#ending !== undefined) return this.#look()
    this.#done += chunk.items.length
    this.results.put(chunk.number, chunk.part())
    this.#tellProgress()
    if (this.#failures.length > mapErrorsMax) this.#stop(this.#collected())
    this.#listener.arrived()
    this.#pump()
  }

  #tellProgress(): void {
    const total = this.#source?.total
    const done = this.#done
    try {
      this.#task.settings.onProgress?.({ done, ...(total === undefined ? {} : { total }) })
    } catch (error) {
      this.#stop(error)
    }
  }

  #collected(): GoawayError {
    return mapError(this.#failures, this.#done, this.isRead ? [] : this.results.all())
  }

  #stop(error: unknown): void {
    if (this.#isOver || this.#ending !== undefined) return
    this.#ending = { error }
    const closed = this.#source?.close()
    if (closed !== undefined) {
      this.#isClosing = true
      closed.then(() => {
        this.#isClosing = false
        this.#look()
      })
    }
    for (const routine of [...this.#routines]) cancelQuietly(routine, error)
    this.#look()
  }

  /** Looks whether all is over, or whether something lags. */
  #look(): void {
    if (this.#isOver) return
    if (this.#ending !== undefined) {
      if (this.#routines.size === 0 && !this.#isClosing) this.#end(this.#ending)
      return
    }
    if (this.#source?.ended !== true) return
    if (this.#live.size > 0) {
      if (this.#task.settings.hedge) this.#hedge()
    } else this.#end(this.#failures.length === 0 ? undefined : { error: this.#collected() })
  }

  #end(outcome: { readonly error: unknown } | undefined): void {
    this.#isOver = true
    this.#unfollow?.()
    clearTimeout(this.#hedging)
    this.#listener.ended(outcome)
  }

  /** Starts a second time what takes much longer than other chunks did. */
  #hedge(): void {
    clearTimeout(this.#hedging)
    if (this.#chunkMs === undefined) return
    const patienceMs = Math.max(mapHedgeMsMin, this.#chunkMs * mapHedgeFactor)
    const now = performance.now()
    let nextMs = Infinity
    for (const chunk of [...this.#live]) {
      if (chunk.isHedged) continue
      const leftMs = chunk.sentAt + patienceMs - now
      if (leftMs > 0 || this.#routines.size >= this.#concurrency()) {
        nextMs = Math.min(nextMs, Math.max(leftMs, 1))
        continue
      }
      chunk.isHedged = true
      const [lagging] = chunk.copies
      this.#send(chunk, this.#places.elsewhere(lagging?.node))
    }
    if (nextMs < Infinity) this.#hedging = setTimeout(() => this.#look(), Math.ceil(nextMs))
  }
}

/** The hub may be gone; then the routine is about to hear of it. */
function cancelQuietly(routine: RoutineState, reason: unknown): void {
  try {
    routine.cancel(reason)
  } catch {}
}
