/** All five, in the order in which they are told of. */
import type { Classic } from './classic.ts'
import { hashPuzzle } from './hash-puzzle.ts'
import { matrixMultiply } from './matrix-multiply.ts'
import { quicksort } from './quicksort.ts'
import { sor } from './sor.ts'
import { travelingSalesman } from './traveling-salesman.ts'

export const classics: Readonly<Record<string, Classic>> = {
  'matrix-multiply': matrixMultiply,
  sor,
  'traveling-salesman': travelingSalesman,
  quicksort,
  'hash-puzzle': hashPuzzle,
}
