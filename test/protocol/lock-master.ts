/** A master of locks, with short words for what a test says to it and what it answers. */
import type { LockInput, LockOutput, LockState } from '../../lib/protocol/lock.ts'
import { lock } from '../../lib/protocol/lock.ts'
import type { LockOperation } from '../../lib/wire/messages.ts'

/** Who asks: a routine of a thread, by default in an asynchronous call. */
export interface Asker {
  readonly client: number
  readonly owner: number
  readonly blocking?: boolean
}

export class LockMaster {
  readonly state: LockState = lock.initial()
  #call = 0

  step(input: LockInput): readonly LockOutput[] {
    return lock.step(this.state, input)
  }

  ask(asker: Asker, ...operation: LockOperation): readonly LockOutput[] {
    this.#call += 1
    const { client, owner, blocking = false } = asker
    const call = this.#call
    return this.step({ type: 'request', client, call, owner, thread: client, blocking, operation })
  }

  acquire(asker: Asker, name: string): string {
    return words(this.ask(asker, 'acquire', name))
  }

  release(asker: Asker, name: string, token: number): string {
    return words(this.ask(asker, 'release', name, token))
  }
}

/** Outputs as one line: what happened, in order. */
export function words(outputs: readonly LockOutput[]): string {
  return outputs.map(word).join(', ')
}

function word(output: LockOutput): string {
  switch (output.type) {
    case 'granted':
    case 'freed':
      return `${output.type} ${output.lock}#${output.token}`
    case 'answer':
      return `answer ${output.client}: ${output.answer}`
    case 'refuse':
      return `refuse ${output.client}: ${output.code}`
    case 'parked':
      return `parked ${output.client}`
    case 'forgotten':
      return `forgotten ${output.forgotten} ${output.lock}#${output.token}`
  }
}

export const routine1: Asker = { client: 1, owner: 11 }
export const routine2: Asker = { client: 2, owner: 12 }
export const routine3: Asker = { client: 3, owner: 13 }
export const routine4: Asker = { client: 4, owner: 14 }
export const main: Asker = { client: 9, owner: 0 }
export const blocking = (asker: Asker): Asker => ({ ...asker, blocking: true })
