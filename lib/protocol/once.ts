/**
 * At most once: what the server of a client's calls remembers of them, so that a call that comes
 * again is answered, and not performed again. The rules are in `docs/protocols/once.md`.
 *
 * Rule 1: a client numbers its calls upwards, and they come in this order; only repeated ones break
 * it.
 * Rule 2: a reply is stored in the step in which the call took effect, before it is sent.
 * Rule 3: acknowledged are replies, not calls. A call may be parked for hours; the lowest call
 * without a reply would hold back the memory of all that came after it.
 */
import type { GoawayErrorCode } from '../errors.ts'
import { storedRepliesMax } from '../limits.ts'
import type { StoreMessage } from '../wire/messages.ts'
import type { Machine } from './machine.ts'

/** What was said to the call, as it went over the link. */
export type OnceReply = Extract<StoreMessage, readonly ['reply' | 'refusal', ...unknown[]]>

export type OnceInput =
  | {
      readonly type: 'request'
      readonly client: number
      /** 0: nobody waits for an answer, and none is kept; it is performed as often as it comes. */
      readonly call: number
      /** So many replies the client has taken of this server, all in all. */
      readonly ackUpTo: number
    }
  /** Many replies were taken, and no request came along to say so. */
  | { readonly type: 'acknowledge'; readonly client: number; readonly ackUpTo: number }
  | {
      readonly type: 'completed'
      readonly client: number
      readonly call: number
      readonly reply: OnceReply
    }
  /** No request of it will be taken any more. */
  | { readonly type: 'clientLost'; readonly client: number }

export type OnceOutput =
  /** New: perform it, and give its reply to `completed` before it is sent. */
  | { readonly type: 'execute' }
  /** It was performed before: this is what was said to it. */
  | { readonly type: 'answer'; readonly reply: OnceReply }
  /** It is being performed: its reply comes from there. */
  | { readonly type: 'attach' }
  /** Its reply was taken and forgotten, or there is no room for another: not performed. */
  | { readonly type: 'refuse'; readonly code: GoawayErrorCode; readonly message: string }

interface StoredReply {
  /** Of all replies to this client it is the one of this number, from 1. */
  readonly ordinal: number
  readonly call: number
  readonly reply: OnceReply
}

interface OnceClient {
  /** The highest call that came. */
  lastCall: number
  /** Calls that are being performed. */
  readonly open: Set<number>
  /** Replies that were sent and may not have been taken, in the order of sending. */
  replies: StoredReply[]
  /** So many of these, from the first, have been taken. */
  taken: number
  /** The number of the last reply. */
  ordinal: number
}

export interface OnceState {
  readonly clients: Map<number, OnceClient>
}

export const once: Machine<OnceState, OnceInput, OnceOutput> = { initial, step }

const nothing: readonly OnceOutput[] = []
const execute: readonly OnceOutput[] = Object.freeze([Object.freeze({ type: 'execute' })])
const attach: readonly OnceOutput[] = Object.freeze([Object.freeze({ type: 'attach' })])

function initial(): OnceState {
  return { clients: new Map() }
}

function step(state: OnceState, input: OnceInput): readonly OnceOutput[] {
  switch (input.type) {
    case 'request':
      return request(state, input.client, input.call, input.ackUpTo)
    case 'acknowledge':
      acknowledge(state.clients.get(input.client), input.ackUpTo)
      return nothing
    case 'completed':
      completed(state, input.client, input.call, input.reply)
      return nothing
    case 'clientLost':
      state.clients.delete(input.client)
      return nothing
  }
}

function request(
  state: OnceState,
  client: number,
  call: number,
  ackUpTo: number,
): readonly OnceOutput[] {
  const known = state.clients.get(client)
  acknowledge(known, ackUpTo)
  if (call === 0) return execute
  const entry = known ?? openClient(state, client)
  if (call <= entry.lastCall) return repeated(entry, client, call)
  entry.lastCall = call
  if (entry.replies.length - entry.taken >= storedRepliesMax) {
    // The client counts this reply as well.
    entry.ordinal += 1
    const message = `take call ${call} of client ${client}: ${storedRepliesMax} replies wait for it`
    return [{ type: 'refuse', code: 'ERR_GOAWAY_LIMIT', message }]
  }
  entry.open.add(call)
  return execute
}

/** Rare, so that it may search. */
function repeated(entry: OnceClient, client: number, call: number): readonly OnceOutput[] {
  if (entry.open.has(call)) return attach
  for (let index = entry.taken; index < entry.replies.length; index += 1) {
    const stored = entry.replies[index]
    if (stored?.call === call) return [{ type: 'answer', reply: stored.reply }]
  }
  const message = `take call ${call} of client ${client}: it was performed, and its reply taken`
  return [{ type: 'refuse', code: 'ERR_GOAWAY_PROTOCOL', message }]
}

function completed(state: OnceState, client: number, call: number, reply: OnceReply): void {
  const entry = state.clients.get(client)
  if (entry?.open.delete(call) !== true) return
  entry.ordinal += 1
  entry.replies.push({ ordinal: entry.ordinal, call, reply })
}

function acknowledge(entry: OnceClient | undefined, ackUpTo: number): void {
  if (entry === undefined) return
  const { replies } = entry
  let taken = entry.taken
  while (taken < replies.length && (replies[taken]?.ordinal ?? Infinity) <= ackUpTo) taken += 1
  entry.taken = taken
  // Mostly all of them were taken; else the rest moves up, each reply once for each that has left.
  if (taken === replies.length) replies.length = 0
  else if (taken * 2 > replies.length) entry.replies = replies.slice(taken)
  else return
  entry.taken = 0
}

function openClient(state: OnceState, client: number): OnceClient {
  const entry = { lastCall: 0, open: new Set<number>(), replies: [], taken: 0, ordinal: 0 }
  state.clients.set(client, entry)
  return entry
}
