/** Functions of a simulation: any function is known to all of its processes, for they are one. */

import { makeAddress, ofOneItem, type RoutineFunction } from '../client/function-address.ts'
import { locate } from '../client/locate.ts'
import { GoawayError } from '../errors.ts'
import { forEachItem } from '../executor/items-run.ts'
import type { FunctionAddress } from '../wire/messages.ts'

export class FunctionTable {
  readonly #addresses = new Map<RoutineFunction, FunctionAddress>()
  readonly #functions = new Map<string, RoutineFunction>()

  locate(fn: unknown): FunctionAddress {
    // What is no function at all is refused as it is outside of a simulation.
    if (typeof fn !== 'function') return locate(fn)
    const routine = fn as RoutineFunction
    const known = this.#addresses.get(routine)
    if (known !== undefined) return known
    const module = `simulation:${this.#addresses.size}`
    const address = makeAddress(routine, { module, line: -1, column: -1, fingerprint: '' })
    this.#addresses.set(routine, address)
    this.#functions.set(address.key, routine)
    return address
  }

  resolve(address: FunctionAddress): RoutineFunction {
    const { key, name } = address
    const found = this.#functions.get(key)
    if (found !== undefined) return found
    if (address.items === true) {
      const each = forEachItem(this.resolve(ofOneItem(address)))
      this.#functions.set(key, each)
      return each
    }
    const text = `Cannot run function ${name}: it is not of this simulation`
    throw new GoawayError('ERR_GOAWAY_FUNCTION_NOT_FOUND', text)
  }
}
