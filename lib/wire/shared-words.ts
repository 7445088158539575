/**
 * The shared memory between a hub and one of its threads, and how each word of it is used. Words
 * are 32-bit and only ever touched with Atomics; the letter box is plain bytes, handed over by a
 * word.
 */
import { letterBytesMax, slotsPerThreadMax } from '../limits.ts'
import { Ring, ringBytes } from './ring.ts'

/** Counts the answers to blocking calls; a blocked thread waits on it. Written by the hub. */
export const wordAnswer = 0
/**
 * Where the answer lies: 0 in the letter box, 1 on the port. Written by the hub before
 * `wordAnswer`.
 */
export const wordAnswerPlace = 1
/** Bytes of the answer in the letter box. */
export const wordAnswerBytes = 2
/** How many deliveries of the hub the thread had taken when its event loop last went idle. */
export const wordParkedAt = 3
/** 1 while the hub wants a message when the thread goes idle. Written by the hub. */
export const wordDemand = 4
/** Slot + 1 of the routine whose synchronous part runs now, 0 between. */
export const wordRunning = 5
/** Slot + 1 of the routine that called process.exit, 0 for none. */
export const wordCulprit = 6
/** 1 while the thread sleeps in a blocking call, and has to be woken. */
export const wordSleeping = 7
/** Bytes of the thread's output that were written, modulo 2^32, where others write it. */
export const wordWritten = 8
/**
 * The hub's epoch in which the thread began to read a record of a replica, 0 while it reads none.
 * Written by the thread.
 */
export const wordReading = 9
/**
 * How many one-way writes of the thread to `Weak` objects have taken effect at its node, and to
 * those of causal order: each store keeps an order of its own. Written by the hub.
 */
export const wordTaken = 10
export const wordTakenCausal = 11
const claimsAt = 16
const cancelsAt = claimsAt + slotsPerThreadMax
const wordsCount = cancelsAt + slotsPerThreadMax

/** What a hub shares with all of its threads: its pulse, and the bell that its threads ring. */
export const wordBeat = 0
export const wordDead = 1
export const wordBell = 2
/** 1 while the hub is in its event loop, and a message is needed to wake it. */
export const wordAsleep = 3
/** 1 while threads may look at a word for a while before they sleep. Written by the hub. */
export const wordSpin = 4
/** Counts the hub's reuses of replica memory, from 1; never 0 once replicas are written. */
export const wordEpoch = 5
/** Until when this node may answer reads, see `lease-word.ts`. Written by the hub. */
export const wordLease = 6
/** The system's number of the hub's thread; 0: it does not tell, or the hub has not begun. */
export const wordHubThread = 7
/** Counts the values that threads of this node have put, modulo 2^32. Written by threads. */
export const wordRefs = 8
const hubWordsCount = 9

export function createHubWords(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(hubWordsCount * 4))
}

/**
 * Claims: who starts a routine that is assigned but not begun. Cancels: what a running loop looks
 * at.
 */
export class ThreadWords {
  readonly buffer: SharedArrayBuffer
  readonly words: Int32Array
  readonly letter: Uint8Array
  readonly ring: Ring

  constructor(buffer = new SharedArrayBuffer(wordsCount * 4 + letterBytesMax + ringBytes)) {
    this.buffer = buffer
    this.words = new Int32Array(buffer, 0, wordsCount)
    this.letter = new Uint8Array(buffer, wordsCount * 4, letterBytesMax)
    this.ring = new Ring(buffer, wordsCount * 4 + letterBytesMax)
  }

  /**
   * The hub assigns a slot: tickets differ from use to use, so that a late claim of an earlier use
   * fails.
   */
  assign(slot: number, ticket: number): void {
    Atomics.store(this.words, cancelsAt + slot, 0)
    Atomics.store(this.words, claimsAt + slot, ticket)
  }

  /** Whoever claims first, the thread to run the routine or the hub to take it back, has it. */
  claim(slot: number, ticket: number): boolean {
    return Atomics.compareExchange(this.words, claimsAt + slot, ticket, 0) === ticket
  }

  /** Whether somebody has claimed this use of the slot. */
  isClaimed(slot: number, ticket: number): boolean {
    return Atomics.load(this.words, claimsAt + slot) !== ticket
  }

  cancel(slot: number, ticket: number): void {
    Atomics.store(this.words, cancelsAt + slot, ticket)
  }

  cancelled(slot: number, ticket: number): boolean {
    return Atomics.load(this.words, cancelsAt + slot) === ticket
  }
}
