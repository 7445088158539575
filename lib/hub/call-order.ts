/**
 * Keeps what one thread asks of replicated objects in the order in which it asked. A write of it
 * may be on its way to another node when it reads the copy here, and a read may wait here when it
 * writes: then the later of the two waits until the earlier is answered.
 *
 * Rule 1: reads wait for writes, and writes for reads; writes among each other keep their order by
 * themselves, and so do reads.
 * Rule 2: a `wait` may be for what its own thread writes later: nothing waits for it.
 * Rule 3: `LinFastRead` objects are linearizable each by itself, hence there is one order for each
 * object. `UpdateOnRelease` objects show one log, hence one for all: what a thread reads of one
 * includes what it has released of others.
 * Rule 4: nothing that waits for user code is waited for, so that all of it ends.
 */
import type { Operation } from '../wire/messages.ts'
import type { ReplicaOperation } from '../wire/replica-messages.ts'
import { isReplicated, type StoreRequest } from './stores.ts'

type Kind = 'read' | 'wait' | 'write'

interface Line {
  readonly key: string
  reads: number
  writes: number
  readonly held: StoreRequest[]
}

interface Calls {
  readonly lines: Map<string, Line>
  /** Those that have no answer yet. */
  readonly open: Map<number, readonly [line: Line, kind: Kind]>
}

export class CallOrder {
  readonly #clients = new Map<number, Calls>()

  /** Whether the request may be taken now; else it is kept, and given back by `settled`. */
  admits(request: StoreRequest): boolean {
    const { client, call, operation } = request
    const kind = call > 0 ? kindOf(operation) : undefined
    if (kind === undefined) return true
    const calls = this.#callsOf(client)
    const line = lineOf(calls, operation)
    const mayPass = kind === 'write' && isRelease(operation)
    if (!mayPass && (line.held.length > 0 || mustWait(line, kind))) {
      line.held.push(request)
      return false
    }
    begin(calls, line, call, kind)
    this.#clean(client, calls, line)
    return true
  }

  /** The call was answered: gives what may be taken now. */
  settled(client: number, call: number): readonly StoreRequest[] {
    const calls = this.#clients.get(client)
    const open = calls?.open.get(call)
    if (calls === undefined || open === undefined) return []
    const [line, kind] = open
    calls.open.delete(call)
    if (kind === 'read') line.reads -= 1
    else line.writes -= 1
    const free: StoreRequest[] = []
    for (;;) {
      const next = line.held[0]
      const nextKind = next === undefined ? undefined : kindOf(next.operation)
      if (next === undefined || nextKind === undefined || mustWait(line, nextKind)) break
      line.held.shift()
      begin(calls, line, next.call, nextKind)
      free.push(next)
    }
    this.#clean(client, calls, line)
    return free
  }

  /** Whether that call was kept here, and is so no more: it had waited for what does not come. */
  forget(client: number, call: number): boolean {
    const calls = this.#clients.get(client)
    for (const line of calls?.lines.values() ?? []) {
      const at = line.held.findIndex((held) => held.call === call && isWait(held))
      if (at < 0) continue
      line.held.splice(at, 1)
      return true
    }
    return false
  }

  clientLost(client: number): void {
    this.#clients.delete(client)
  }

  #callsOf(client: number): Calls {
    let calls = this.#clients.get(client)
    if (calls === undefined) {
      calls = { lines: new Map(), open: new Map() }
      this.#clients.set(client, calls)
    }
    return calls
  }

  #clean(client: number, calls: Calls, line: Line): void {
    if (line.reads + line.writes + line.held.length > 0) return
    calls.lines.delete(line.key)
    if (calls.lines.size === 0) this.#clients.delete(client)
  }
}

function lineOf(calls: Calls, operation: Operation): Line {
  const [store, asked] = operation as readonly [string, ReplicaOperation]
  const key = store === 'lin-fast-read' ? String(asked[1]) : ''
  const name = `${store} ${key}`
  let line = calls.lines.get(name)
  if (line === undefined) {
    line = { key: name, reads: 0, writes: 0, held: [] }
    calls.lines.set(name, line)
  }
  return line
}

function begin(calls: Calls, line: Line, call: number, kind: Kind): void {
  if (kind === 'wait') return
  calls.open.set(call, [line, kind])
  if (kind === 'read') line.reads += 1
  else line.writes += 1
}

function mustWait(line: Line, kind: Kind): boolean {
  return kind === 'write' ? line.reads > 0 : line.writes > 0
}

/** The routine that releases may be over before anything that it has read is there. */
function isRelease(operation: Operation): boolean {
  return operation[0] === 'update-on-release'
}

function isWait({ operation }: StoreRequest): boolean {
  return kindOf(operation) === 'wait'
}

/** Undefined: its order is kept in another way, or does not matter. */
function kindOf(operation: Operation): Kind | undefined {
  if (!isReplicated(operation)) return undefined
  const [store, [name]] = operation
  // `Weak` objects answer at once, and keep the order themselves when they do not.
  if (store !== 'lin-fast-read' && store !== 'update-on-release') return undefined
  switch (name) {
    case 'get':
    case 'keys':
    case 'entries':
      return 'read'
    case 'wait':
      return 'wait'
    case 'acquire':
    case 'tryAcquire':
      return undefined
    default:
      return 'write'
  }
}
