/**
 * `LinFastRead` as the paper of 2016 has it, for tests and benches only: it is not linearizable,
 * though its authors say so. A write locks the field at every server, one after the other, and then
 * gives every server the value and unlocks it, one after the other. A read is answered by the
 * server at hand, locked or not.
 *
 * It says nothing of servers that fail, and neither does this: the first view is for ever.
 */
import type { Machine } from '../../lib/protocol/machine.ts'
import type { ReplicaInput, ReplicaOutput, ReplicaParameters } from '../../lib/protocol/replica.ts'
import type { EncodedValue, FieldState, StrictOperation } from '../../lib/wire/messages.ts'

export type PaperMessage =
  | readonly ['lock', write: number, object: string, field: string]
  | readonly ['locked', write: number]
  | readonly ['update', write: number, object: string, field: string, value: EncodedValue]
  | readonly ['updated', write: number]

type Input = ReplicaInput<StrictOperation, PaperMessage>
type Output = ReplicaOutput<PaperMessage>
type SetOperation = Extract<StrictOperation, readonly ['set', ...unknown[]]>

interface OpenWrite {
  readonly client: number
  readonly call: number
  readonly operation: SetOperation
  phase: 'lock' | 'update'
  /** Position of the server that is asked. */
  server: number
}

export interface PaperState {
  readonly place: number
  servers: readonly number[]
  /** Number of the last write of this node. */
  lastWrite: number
  readonly writes: Map<number, OpenWrite>
  readonly fields: Map<string, { readonly version: number; readonly value: EncodedValue }>
  /** Who has locked a field here, and who waits for it. */
  readonly locks: Map<string, (readonly [place: number, write: number])[]>
}

export const paperLinFastRead: Machine<PaperState, Input, Output, ReplicaParameters> = {
  initial: ({ place }) => ({
    place,
    servers: [],
    lastWrite: 0,
    writes: new Map(),
    fields: new Map(),
    locks: new Map(),
  }),
  step,
}

function step(state: PaperState, input: Input): readonly Output[] {
  const outputs: Output[] = []
  switch (input.type) {
    case 'view':
      if (state.servers.length === 0) state.servers = input.view.members
      break
    case 'request': {
      const { client, call, operation } = input
      request(state, client, call, operation, outputs)
      break
    }
    case 'message':
      receive(state, input.from, input.message, outputs)
      break
    default:
      break
  }
  return outputs
}

function request(
  state: PaperState,
  client: number,
  call: number,
  operation: StrictOperation,
  outputs: Output[],
): void {
  switch (operation[0]) {
    case 'get':
      outputs.push({ type: 'answer', client, call, answer: read(state, keyOf(operation)) })
      return
    case 'init':
      for (const [field, value] of operation[2]) {
        const key = keyOf(['init', operation[1], field])
        if (!state.fields.has(key)) state.fields.set(key, { version: 1, value })
      }
      outputs.push({ type: 'answer', client, call, answer: null })
      return
    case 'set': {
      state.lastWrite += 1
      const write: OpenWrite = { client, call, operation, phase: 'lock', server: 0 }
      state.writes.set(state.lastWrite, write)
      outputs.push({ type: 'parked', client, call })
      return askServer(state, state.lastWrite, write, outputs)
    }
    default: {
      const message = `${operation[0]}: the paper has none`
      outputs.push({ type: 'refuse', client, call, code: 'ERR_GOAWAY_PROTOCOL', message })
    }
  }
}

/** Whatever stands between name and field: the paper had one name. */
function keyOf(operation: readonly [string, string, string, ...unknown[]]): string {
  return JSON.stringify([operation[1], operation[2]])
}

function read(state: PaperState, key: string): FieldState {
  const field = state.fields.get(key)
  return field === undefined ? [0, undefined] : [field.version, field.value]
}

function receive(state: PaperState, from: number, message: PaperMessage, outputs: Output[]): void {
  switch (message[0]) {
    case 'lock': {
      const key = keyOf([message[0], message[2], message[3]])
      const queue = state.locks.get(key) ?? []
      state.locks.set(key, queue)
      queue.push([from, message[1]])
      if (queue.length === 1) send(state, from, ['locked', message[1]], outputs)
      return
    }
    case 'update': {
      const key = keyOf([message[0], message[2], message[3]])
      const version = (state.fields.get(key)?.version ?? 0) + 1
      state.fields.set(key, { version, value: message[4] })
      const queue = state.locks.get(key) ?? []
      queue.shift()
      const [next] = queue
      if (next === undefined) state.locks.delete(key)
      else send(state, next[0], ['locked', next[1]], outputs)
      return send(state, from, ['updated', message[1]], outputs)
    }
    default:
      return goOn(state, message[1], outputs)
  }
}

/** The server that was asked has done so: now the next. */
function goOn(state: PaperState, number: number, outputs: Output[]): void {
  const write = state.writes.get(number)
  if (write === undefined) return
  write.server += 1
  if (write.server < state.servers.length) return askServer(state, number, write, outputs)
  if (write.phase === 'lock') {
    write.phase = 'update'
    write.server = 0
    return askServer(state, number, write, outputs)
  }
  state.writes.delete(number)
  const { client, call, operation } = write
  outputs.push({ type: 'answer', client, call, answer: read(state, keyOf(operation))[0] })
}

function askServer(
  state: PaperState,
  number: number,
  { phase, server, operation }: OpenWrite,
  outputs: Output[],
): void {
  const to = state.servers[server] as number
  const [, object, field, value] = operation
  if (phase === 'lock') send(state, to, ['lock', number, object, field], outputs)
  else send(state, to, ['update', number, object, field, value], outputs)
}

function send(state: PaperState, to: number, message: PaperMessage, outputs: Output[]): void {
  if (to === state.place) receive(state, to, message, outputs)
  else outputs.push({ type: 'send', to, message: Object.freeze(message) })
}
