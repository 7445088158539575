/**
 * Drives the machine of the values that were put (`lib/protocol/ref.ts`): it keeps the values that
 * are at this node, and sees which refs go along with routines and results, to threads and to other
 * nodes. It never looks into a value.
 *
 * Rule 1: what a thread or a link brings holds its refs until it is known what becomes of it: by
 * the object that the thread has, or as `passing`. All that is done with it is done in that step.
 * Rule 2: a node that cannot be reached is lost to it; what was sent there is known to be lost as
 * well when the node is removed.
 */
import { recordOf } from '../client/error-codec.ts'
import { refsIn } from '../client/payload.ts'
import { shareData } from '../client/ref-value.ts'
import { GoawayError } from '../errors.ts'
import { type RefInput, type RefState, refMachine } from '../protocol/ref.ts'
import type { LinkMessage, Payload, RemoteRoutineMessage } from '../wire/messages.ts'
import type { RefData, RefMessage, RefNews, SharedRefData } from '../wire/ref-messages.ts'
import { checkedRefsIn, checkRefMessage } from './ref-checks.ts'
import type { StoreReplies } from './stores.ts'

export interface RefsHost {
  readonly replies: StoreReplies
  /** False if there is no such node any more. */
  send(place: number, message: LinkMessage): boolean
}

/** Messages between nodes whose last part is a payload. */
const carriers: ReadonlySet<string> = new Set(['order', 'returned', 'value', 'result'])

/** What a node tells of the values that it has. */
export interface RefCounts {
  readonly refs: number
  readonly refBytes: number
}

export class Refs {
  readonly #place: number
  readonly #host: RefsHost
  readonly #state: RefState
  readonly #values = new Map<number, SharedRefData>()
  readonly #inputs: RefInput[] = []
  #isTaking = false
  #bytes = 0

  constructor(place: number, host: RefsHost) {
    this.#place = place
    this.#host = host
    this.#state = refMachine.initial({ place })
  }

  counts(): RefCounts {
    return { refs: this.#state.entries.size, refBytes: this.#bytes }
  }

  /** Most programs put nothing. */
  get #isIdle(): boolean {
    return this.#state.entries.size === 0
  }

  // What the threads of this node do.

  told(client: number, news: RefNews): void {
    switch (news[0]) {
      case 'put':
        this.#keep(news[1], news[2])
        return this.#feed({ type: 'put', client, ref: news[1] })
      case 'take':
      case 'drop':
        return this.#feed({ type: news[0], client, ref: news[1] })
      case 'delivered':
        return this.#feed({ type: 'delivered', client, refs: news[1] })
    }
  }

  asked(client: number, call: number, ref: number): void {
    this.#feed({ type: 'asked', client, call, ref })
  }

  clientLost(client: number): void {
    if (!this.#isIdle) this.#feed({ type: 'clientLost', client })
  }

  /** A thread of this node has started a routine. */
  submitted(routine: number, payload: Payload): void {
    const refs = refsIn(payload)
    if (refs.length > 0) this.#feed({ type: 'submitted', routine, refs })
  }

  settled(routine: number): void {
    if (!this.#isIdle) this.#feed({ type: 'settled', routine })
  }

  /** A result or value goes to a thread, which will say that it was delivered. */
  delivering(client: number, payload: Payload): void {
    const refs = refsIn(payload)
    if (refs.length > 0) this.#feed({ type: 'delivering', client, refs })
  }

  // What goes over links.

  /** The message is about to be sent to that node. */
  leaving(place: number, message: LinkMessage): void {
    const name = message[0]
    const refs = carriers.has(name) ? refsIn(message.at(-1)) : []
    if (refs.length > 0) this.#feed({ type: 'sent', to: place, refs })
    if (this.#isIdle) return
    if (name === 'result' || name === 'failure' || name === 'returned') {
      this.#feed({ type: 'orderEnded', from: place, routine: message[1] })
    }
  }

  /** The message has come from that node; `act` does what is to be done with it. */
  coming(from: number, message: RemoteRoutineMessage, act: () => void): void {
    const name = message[0]
    const refs = carriers.has(name) ? checkedRefsIn(message.at(-1)) : []
    if (refs.length === 0) return act()
    const routine = name === 'order' ? message[1] : undefined
    this.#feed({ type: 'received', from, refs, routine })
    try {
      act()
    } finally {
      if (routine === undefined) this.#feed({ type: 'passed' })
    }
  }

  received(from: number, message: RefMessage): void {
    checkRefMessage(message, from, this.#place)
    if (message[0] === 'data') {
      // What nobody here waits for was not asked for: the machine would not take it.
      if (this.#state.entries.get(message[1])?.fetching !== true) return
      this.#keep(message[1], message[2])
    }
    this.#feed({ type: 'message', from, message })
  }

  nodeLost(place: number): void {
    this.#feed({ type: 'nodeLost', place })
  }

  // The machine.

  #keep(ref: number, data: RefData): void {
    const value = shareData(data)
    this.#drop(ref)
    this.#values.set(ref, value)
    this.#bytes += bytesOf(value)
  }

  #drop(ref: number): void {
    const value = this.#values.get(ref)
    if (value === undefined) return
    this.#values.delete(ref)
    this.#bytes -= bytesOf(value)
  }

  #feed(input: RefInput): void {
    this.#inputs.push(input)
    if (this.#isTaking) return
    this.#isTaking = true
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        this.#step(next)
      }
    } finally {
      this.#isTaking = false
    }
  }

  #step(input: RefInput): void {
    for (const output of refMachine.step(this.#state, input)) {
      switch (output.type) {
        case 'send':
          this.#send(output.to, output.message)
          break
        case 'sendData':
          this.#send(output.to, ['data', output.ref, this.#dataOf(output.ref)])
          break
        case 'answer':
          this.#host.replies.answer(output.client, output.call, this.#valueOf(output.ref))
          break
        case 'refuse':
          this.#host.replies.refuse(output.client, output.call, recordOf(noValue(output.ref)))
          break
        case 'free':
          this.#drop(output.ref)
          break
      }
    }
  }

  #send(to: number, message: RefMessage): void {
    if (!this.#host.send(to, ['ref', message])) this.#feed({ type: 'nodeLost', place: to })
  }

  #valueOf(ref: number): SharedRefData {
    return this.#values.get(ref) as SharedRefData
  }

  #dataOf(ref: number): RefData {
    const [structure, ...memory] = this.#valueOf(ref)
    return [structure, ...memory.map((buffer) => new Uint8Array(buffer))]
  }
}

function bytesOf(value: SharedRefData): number {
  return value.reduce((sum, part) => sum + part.byteLength, 0)
}

function noValue(ref: number): GoawayError {
  return new GoawayError(
    'ERR_GOAWAY_NODE_LOST',
    `Cannot get the value of ref ${ref}: the node that put it is lost, or the one that passed it ` +
      'on, before this node had a copy; put the value again',
  )
}
