/**
 * Where the operations of a window lie in a picture: a row for each client, and columns for the
 * moments at which something begins or ends. Times between are not to scale.
 */
import type { HistoryOperation } from '../history/format.ts'
import type { Window } from './check-result.ts'
import { groupBy } from './group-by.ts'
import { keyText, opName } from './operation-text.ts'

export interface Box {
  readonly operation: HistoryOperation
  readonly line: number
  readonly label: string
  readonly isMarked: boolean
  /** Column in which it begins. */
  readonly from: number
  /** Column in which it ends; past the last one if no answer was seen. */
  readonly to: number
  readonly isOpen: boolean
}

export interface Row {
  readonly client: number
  /** Not the first of its client: what no answer came to lies above. */
  readonly isFurther: boolean
  readonly boxes: readonly Box[]
}

export interface Layout {
  readonly rows: readonly Row[]
  /** Left edge of each column, and the right edge of the last. */
  readonly edges: readonly number[]
}

/** @param widthOf how much room a label needs */
export function layout(window: Window, widthOf: (label: string) => number, gap: number): Layout {
  const times = new Set(
    window.operations.flatMap(({ start, end }) => (end < 0 ? [start] : [start, end])),
  )
  const columns = new Map([...times].sort((a, b) => a - b).map((time, index) => [time, index]))
  const isOneField =
    new Set(window.operations.map(({ key, store }) => `${store} ${key}`)).size === 1
  const boxes = window.operations.map((operation, index): Box => {
    const isOpen = operation.end < 0
    return {
      operation,
      line: window.lines[index] as number,
      label: isOneField ? opName(operation) : `${keyText(operation.key)} ${opName(operation)}`,
      isMarked: window.marked.includes(index),
      from: columns.get(operation.start) as number,
      to: isOpen ? columns.size : (columns.get(operation.end) as number),
      isOpen,
    }
  })
  return { rows: rowsOf(boxes), edges: edgesOf(boxes, columns.size, widthOf, gap) }
}

function rowsOf(boxes: readonly Box[]): Row[] {
  const byClient = [...groupBy(boxes, ({ operation }) => operation.client)]
  byClient.sort(([a], [b]) => a - b)
  return byClient.flatMap(([client, own]) => {
    const lanes: Box[][] = []
    for (const box of own) {
      const lane = lanes.find((each) => (each.at(-1) as Box).to <= box.from)
      if (lane === undefined) lanes.push([box])
      else lane.push(box)
    }
    return lanes.map((lane, index) => ({ client, isFurther: index > 0, boxes: lane }))
  })
}

/** Each column as wide as the boxes that end with it need, given the columns before. */
function edgesOf(
  boxes: readonly Box[],
  columnCount: number,
  widthOf: (label: string) => number,
  gap: number,
): number[] {
  const edges = [0]
  for (let column = 1; column <= columnCount; column += 1) {
    let edge = (edges[column - 1] as number) + gap
    for (const box of boxes) {
      if (box.to !== column) continue
      edge = Math.max(edge, (edges[box.from] as number) + widthOf(box.label))
    }
    edges.push(edge)
  }
  return edges
}
