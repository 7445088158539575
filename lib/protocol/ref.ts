/**
 * Which node holds which value that was put, and when nobody does (docs/protocols/ref.md). One
 * machine a node: the owner of what was put there, and a holder of what came from elsewhere.
 *
 * Rule 1: the owner keeps a value while any node holds it. Who passes a ref on holds it until the
 * owner knows of the receiver's own hold.
 * Rule 2: holds are counted at both ends, so that a drop takes back no hold that it has crossed.
 * Rule 3: a node asks for a value once, when a thread first wants it; whoever wants it then waits.
 * Rule 4: its copy stays when nothing there holds the ref any more, for more routines may come with
 * it. The owner tells it when the ref is free.
 */
import type { RefMessage } from '../wire/ref-messages.ts'
import type { Machine } from './machine.ts'
import {
  hold,
  holderNames,
  letGo,
  letGoAll,
  newEntry,
  ownerOf,
  type RefEntry,
  type RefMutant,
  type RefState,
} from './ref-state.ts'

export type RefInput =
  /** A thread has put a value, and has an object of it. */
  | { readonly type: 'put'; readonly client: number; readonly ref: number }
  | { readonly type: 'take'; readonly client: number; readonly ref: number }
  | { readonly type: 'drop'; readonly client: number; readonly ref: number }
  /** With a result or value, refs go to a thread; and it has taken them. */
  | { readonly type: 'delivering'; readonly client: number; readonly refs: readonly number[] }
  | { readonly type: 'delivered'; readonly client: number; readonly refs: readonly number[] }
  | { readonly type: 'clientLost'; readonly client: number }
  /** A routine was started here with these in its arguments; and is settled. */
  | { readonly type: 'submitted'; readonly routine: number; readonly refs: readonly number[] }
  | { readonly type: 'settled'; readonly routine: number }
  /** Refs leave for another node, with a routine or its result. */
  | { readonly type: 'sent'; readonly to: number; readonly refs: readonly number[] }
  /** Refs have come; with a routine that is to run here, or with a result or value. */
  | {
      readonly type: 'received'
      readonly from: number
      readonly refs: readonly number[]
      readonly routine: number | undefined
    }
  /** Who wants what came last with a result or value has it by now. */
  | { readonly type: 'passed' }
  /** A routine of that node has ended here, or left. */
  | { readonly type: 'orderEnded'; readonly from: number; readonly routine: number }
  /** A thread wants the value. */
  | {
      readonly type: 'asked'
      readonly client: number
      readonly call: number
      readonly ref: number
    }
  /** Of `data`, the value itself is at the node already. */
  | { readonly type: 'message'; readonly from: number; readonly message: RefMessage }
  | { readonly type: 'nodeLost'; readonly place: number }

export type RefOutput =
  | { readonly type: 'send'; readonly to: number; readonly message: RefMessage }
  | { readonly type: 'sendData'; readonly to: number; readonly ref: number }
  | {
      readonly type: 'answer'
      readonly client: number
      readonly call: number
      readonly ref: number
    }
  /** There is no value, and will be none. */
  | {
      readonly type: 'refuse'
      readonly client: number
      readonly call: number
      readonly ref: number
    }
  /** Nothing here holds it any more, and no copy is wanted. */
  | { readonly type: 'free'; readonly ref: number }

/** @param mutant only a test plants a fault */
export interface RefParameters {
  readonly place: number
  readonly mutant?: RefMutant
}

export type { RefMutant, RefState } from './ref-state.ts'

export const refMachine: Machine<RefState, RefInput, RefOutput, RefParameters> = {
  initial: ({ place, mutant }) => ({
    place,
    mutant,
    entries: new Map(),
    holders: new Map(),
    lostPlaces: new Set(),
  }),
  step(state, input) {
    const step = new Step(state)
    step.take(input)
    return step.outputs
  },
}

/** One input, and what it brings about. */
class Step {
  readonly outputs: RefOutput[] = []
  readonly #state: RefState

  constructor(state: RefState) {
    this.#state = state
  }

  take(input: RefInput): void {
    const state = this.#state
    switch (input.type) {
      case 'put':
        newEntry(state, input.ref, true)
        return hold(state, holderNames.client(input.client), input.ref)
      case 'take':
        return this.#taken(input.client, input.ref)
      case 'drop':
        return this.#letGo(holderNames.client(input.client), [input.ref])
      case 'delivering':
        return this.#hold(holderNames.delivery(input.client), input.refs)
      case 'delivered':
        return this.#letGo(holderNames.delivery(input.client), input.refs)
      case 'clientLost':
        this.#letGoAll(holderNames.client(input.client))
        return this.#letGoAll(holderNames.delivery(input.client))
      case 'submitted':
        return this.#hold(holderNames.routine(input.routine), input.refs)
      case 'settled':
        return this.#letGoAll(holderNames.routine(input.routine))
      case 'sent':
        return this.#sent(input.to, input.refs)
      case 'received':
        return this.#received(input.from, input.refs, input.routine)
      case 'passed':
        return this.#letGoAll(holderNames.passing)
      case 'orderEnded':
        return this.#letGoAll(holderNames.order(input.from, input.routine))
      case 'asked':
        return this.#asked(input.client, input.call, input.ref)
      case 'message':
        return this.#message(input.from, input.message)
      case 'nodeLost':
        return this.#nodeLost(input.place)
    }
  }

  #hold(holder: string, refs: readonly number[]): void {
    for (const ref of refs) hold(this.#state, holder, ref)
  }

  #letGo(holder: string, refs: readonly number[], most = 1): void {
    for (const ref of refs) {
      letGo(this.#state, holder, ref, most)
      this.#freeIfDone(ref)
    }
  }

  #letGoAll(holder: string): void {
    for (const ref of letGoAll(this.#state, holder)) this.#freeIfDone(ref)
  }

  #freeIfDone(ref: number): void {
    const entry = this.#state.entries.get(ref)
    if (entry === undefined || entry.holds > 0) return
    const { granted, isLost, owner, copies } = entry
    if (granted > 0 && !isLost) this.#send(owner, ['drop', ref, granted])
    entry.granted = 0
    if (this.#isCopy(entry) && !isLost) return
    this.#state.entries.delete(ref)
    this.outputs.push({ type: 'free', ref })
    for (const place of copies) this.#send(place, ['free', ref])
  }

  #isCopy({ owner, hasValue }: RefEntry): boolean {
    const { place, mutant } = this.#state
    return hasValue && owner !== place && mutant !== 'freed with the last hold here'
  }

  #send(to: number, message: RefMessage): void {
    this.outputs.push({ type: 'send', to, message })
  }

  // What the threads of this node do.

  /** If it came too late, for the node that sent it was given up, the owner may still have it. */
  #taken(client: number, ref: number): void {
    const state = this.#state
    if (ownerOf(ref) !== state.place) {
      const entry = state.entries.get(ref) ?? newEntry(state, ref, false)
      if (entry.granted === 0) this.#askOwner(entry)
    }
    hold(state, holderNames.client(client), ref)
    this.#freeIfDone(ref)
  }

  #countOf(holds: number): number {
    return this.#state.mutant === 'a drop counts for all' ? Infinity : holds
  }

  #asked(client: number, call: number, ref: number): void {
    const entry = this.#state.entries.get(ref)
    if (entry?.hasValue === true) {
      this.outputs.push({ type: 'answer', client, call, ref })
      return
    }
    if (entry === undefined || entry.isLost) {
      this.outputs.push({ type: 'refuse', client, call, ref })
      return
    }
    entry.waiting.push({ client, call })
    if (entry.fetching && this.#state.mutant !== 'asked for each time') return
    entry.fetching = true
    hold(this.#state, holderNames.fetching, ref)
    this.#send(entry.owner, ['fetch', ref])
  }

  // Refs that go from node to node.

  #sent(to: number, refs: readonly number[]): void {
    const { place, mutant } = this.#state
    for (const ref of refs) {
      if (mutant === 'no hold while on the way' && ownerOf(ref) !== place) continue
      // The owner counts the receiver's hold by itself. A third one's hold it is told of first.
      const holder = ownerOf(ref) === place ? holderNames.node(to) : holderNames.transit(to)
      hold(this.#state, holder, ref)
    }
  }

  #received(from: number, refs: readonly number[], routine: number | undefined): void {
    const state = this.#state
    const holder = routine === undefined ? holderNames.passing : holderNames.order(from, routine)
    const arrived: number[] = []
    for (const ref of refs) {
      const owner = ownerOf(ref)
      let entry = state.entries.get(ref)
      if (entry === undefined && owner !== state.place) entry = newEntry(state, ref, false)
      hold(state, holder, ref)
      if (owner === from) {
        if (entry !== undefined) entry.granted++
        continue
      }
      if (entry === undefined || owner === state.place || entry.isLost) arrived.push(ref)
      else if (this.#isKnown(entry)) arrived.push(ref)
      else {
        entry.senders.push(from)
        if (!entry.asking) this.#askOwner(entry)
      }
    }
    if (arrived.length > 0) this.#send(from, ['arrived', arrived])
  }

  /** Whether the owner knows of a hold of this node. */
  #isKnown({ granted, asking }: RefEntry): boolean {
    return granted > 0 && !asking
  }

  /** Until the owner has answered, it may not be forgotten here: the answer is about this hold. */
  #askOwner(entry: RefEntry): void {
    if (entry.isLost) return
    entry.asking = true
    entry.granted++
    const { mutant } = this.#state
    if (mutant !== 'forgotten while asking') hold(this.#state, holderNames.asking, entry.ref)
    this.#send(entry.owner, ['hold', entry.ref])
  }

  #ownerAnswered(entry: RefEntry): void {
    if (!entry.asking) return
    entry.asking = false
    for (const sender of entry.senders.splice(0)) this.#send(sender, ['arrived', [entry.ref]])
    this.#letGo(holderNames.asking, [entry.ref])
  }

  #message(from: number, message: RefMessage): void {
    switch (message[0]) {
      case 'hold':
        return this.#held(from, message[1])
      case 'drop':
        return this.#letGo(holderNames.node(from), [message[1]], this.#countOf(message[2]))
      case 'arrived':
        return this.#letGo(holderNames.transit(from), message[1])
      case 'fetch': {
        const entry = this.#state.entries.get(message[1])
        if (entry?.hasValue !== true) return this.#send(from, ['gone', message[1]])
        if (this.#state.mutant !== 'copies are forgotten') entry.copies.add(from)
        this.outputs.push({ type: 'sendData', to: from, ref: message[1] })
        return
      }
      case 'held':
      case 'gone':
      case 'data':
      case 'free':
        return this.#answered(from, message)
    }
  }

  /** Another node has a ref of this one. */
  #held(from: number, ref: number): void {
    const isThere = this.#state.entries.has(ref)
    hold(this.#state, holderNames.node(from), ref)
    this.#send(from, [isThere ? 'held' : 'gone', ref])
  }

  #answered(from: number, message: readonly [name: string, ref: number, ...rest: unknown[]]): void {
    const entry = this.#state.entries.get(message[1])
    if (entry === undefined || entry.owner !== from) return
    if (message[0] === 'held') this.#ownerAnswered(entry)
    else if (message[0] === 'data') {
      entry.hasValue = true
      this.#fetched(entry, 'answer')
    } else this.#noMore(entry)
  }

  /** Tells those who wait for the value. */
  #fetched(entry: RefEntry, type: 'answer' | 'refuse'): void {
    if (!entry.fetching) return
    entry.fetching = false
    const { ref } = entry
    for (const { client, call } of entry.waiting.splice(0)) {
      this.outputs.push({ type, client, call, ref })
    }
    this.#letGo(holderNames.fetching, [ref])
  }

  #noMore(entry: RefEntry): void {
    entry.isLost = true
    entry.granted = 0
    this.#fetched(entry, 'refuse')
    this.#ownerAnswered(entry)
    this.#freeIfDone(entry.ref)
  }

  /** What it held is free, and of what it owned there is only what is here. */
  #nodeLost(place: number): void {
    const state = this.#state
    if (state.lostPlaces.has(place)) return
    state.lostPlaces.add(place)
    for (const entry of [...state.entries.values()]) {
      entry.senders = entry.senders.filter((sender) => sender !== place)
      entry.copies.delete(place)
      if (entry.owner === place) this.#noMore(entry)
    }
    const orders = holderNames.order(place, 0).slice(0, -1)
    for (const holder of [...state.holders.keys()]) {
      const isTheirs = holder === holderNames.node(place) || holder === holderNames.transit(place)
      if (isTheirs || holder.startsWith(orders)) this.#letGoAll(holder)
    }
  }
}
