/** What each act does to a field or a lock, as a pure step between numbered states. */
import { type Act, unknownValue } from './act.ts'
import { absent, type ValueNumbers } from './value-numbers.ts'

export interface Model {
  readonly initial: number
  /** The state after it; {@link impossible} if it cannot have answered as it did. */
  perform(state: number, act: Act): number
}

export const impossible = -1

/** A field: its state is the number of its value. */
export function registerModel(initial: number, values: ValueNumbers): Model {
  return {
    initial,
    perform(state, act) {
      switch (act.kind) {
        case 'read':
          return state === act.value ? state : impossible
        case 'write':
          return act.value
        case 'swap':
          return state === act.expected ? act.value : impossible
        case 'miss':
          return state === act.expected ? impossible : state
        case 'remove':
          return act.wasThere === undefined || act.wasThere === (state !== absent)
            ? absent
            : impossible
        case 'add':
          if (act.value === unknownValue) return values.plus(state, act.delta) ?? impossible
          return values.isSum(state, act.delta, act.value) ? act.value : impossible
        default:
          return impossible
      }
    },
  }
}

interface LockState {
  readonly holder: string | undefined
  /** The highest token so far; each is higher than those before. */
  readonly token: number
}

/** A lock: held by one tenure at a time; tokens grow, where there are any. */
export function lockModel(): Model {
  const states: LockState[] = [{ holder: undefined, token: Number.NEGATIVE_INFINITY }]
  const numbers = new Map<string, number>()
  const numberOf = (state: LockState): number => {
    const text = `${state.token} ${state.holder ?? ''}`
    const known = numbers.get(text)
    if (known !== undefined) return known
    numbers.set(text, states.length)
    states.push(state)
    return states.length - 1
  }
  return {
    initial: 0,
    perform(number, act) {
      const { holder, token } = states[number] as LockState
      if (act.kind === 'release') {
        return holder === act.tenure ? numberOf({ holder: undefined, token }) : impossible
      }
      if (holder !== undefined) return impossible
      if (act.value === unknownValue) return numberOf({ holder: act.tenure, token })
      return act.value > token ? numberOf({ holder: act.tenure, token: act.value }) : impossible
    },
  }
}
