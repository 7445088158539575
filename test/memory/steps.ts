/** What the stepping library does at each access by Atomics: see stepping.ts. */

export type Steps<Result> = Generator<undefined, Result, undefined>

/** All that the thread whose turn it is has learnt: its state is a function of this. */
let history: unknown[] = []

export function takeTurn(of: unknown[]): void {
  history = of
  history.push('.')
}

export function learn(what: unknown): void {
  history.push(what)
}

/** All of it that still matters is this. */
export function sumUp(what: unknown): void {
  history.length = 0
  history.push(what)
}

type AtomicName = 'load' | 'store' | 'or'

export function stepOf(name: AtomicName) {
  return function* access(words: Int32Array, at: number, value = 0): Steps<number> {
    yield
    const result = name === 'load' ? Atomics.load(words, at) : Atomics[name](words, at, value)
    learn(result)
    return result
  }
}

/** Runs to the end at once. */
export function finish<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}
