/** A master of strict objects, with short words for what a test says to it and what it answers. */
import type { StrictInput, StrictOutput, StrictState } from '../../lib/protocol/strict.ts'
import { strict } from '../../lib/protocol/strict.ts'
import type { StrictOperation } from '../../lib/wire/messages.ts'

export class StrictMaster {
  readonly state: StrictState = strict.initial()
  #call = 0

  step(input: StrictInput): readonly StrictOutput[] {
    return strict.step(this.state, input)
  }

  /** All outputs of a request; its call is the count of requests so far. */
  ask(operation: StrictOperation, client = 1): readonly StrictOutput[] {
    this.#call += 1
    return this.step({ type: 'request', client, call: this.#call, operation })
  }

  /** The answer of a request that is answered at once, or its code of refusal. */
  say(...operation: StrictOperation): unknown {
    const output = this.ask(operation)[0]
    if (output?.type === 'answer') return output.answer
    return output?.type === 'refuse' ? output.code : output
  }

  answered(outputs: readonly StrictOutput[]): unknown[] {
    return outputs.map((each) => (each.type === 'answer' ? [each.client, each.answer] : each.type))
  }
}
