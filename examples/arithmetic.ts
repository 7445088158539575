/**
 * A module like any other: `demo` runs its functions as routines, though they know nothing of it.
 */

export function square(x: number): number {
  return x * x
}

export function add(a: number, b = 1): number {
  return a + b
}

export function divide(a: number, b: number): number {
  if (b === 0) throw new RangeError(`Cannot divide ${a} by zero`)
  return a / b
}

export function* powers(base: number, count: number): Generator<number> {
  for (let exponent = 0; exponent < count; exponent++) yield base ** exponent
}
