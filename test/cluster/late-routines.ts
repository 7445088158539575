/** Imported by a name that only the running program knows, so that no bundler finds it. */
import { context, goaway } from 'goaway'
import { square } from '../../examples/arithmetic.ts'

export function lateSquare(value: number): [number, string] {
  return [square(value), context().node]
}

export async function lateParent(value: number): Promise<[number, string]> {
  return goaway(lateSquare, value)
}
