/** The answer of a check for people: a line for each part, and a timeline of what contradicts. */
import type { CheckResult, PartResult, Window } from './check-result.ts'
import { type Box, layout, type Row } from './layout.ts'
import { keyText, opName, valueText } from './operation-text.ts'

const columnsMax = 160
/** More than this is a list, not a picture. */
const boxesMax = 40
/** Illegal parts that are drawn. */
export const partsDrawnMax = 10

/** Draws what a check found, in monospaced text. */
export function draw(result: CheckResult): string {
  const illegal = result.parts.filter(({ verdict }) => verdict === 'illegal')
  const unknown = result.parts.filter(({ verdict }) => verdict === 'unknown')
  const drawn = illegal.slice(0, partsDrawnMax).map(drawPart)
  const more = illegal.length - drawn.length
  if (more > 0) drawn.push(`And ${more} more that are illegal.`)
  const undecided = unknown.map((part) => `${titleOf(part)}: unknown, the bound was reached`)
  return [...drawn, ...undecided, summaryOf(result)].join('\n\n')
}

function summaryOf({ verdict, parts, operations }: CheckResult): string {
  const models = [...new Set(parts.map(({ model }) => model))].join(', ')
  const of = parts.length === 1 ? '1 part' : `${parts.length} parts`
  const against = models === '' ? '' : `, against ${models}`
  return `${verdict}: ${operations.toLocaleString('en')} operations in ${of}${against}`
}

export function titleOf({ name, model, operations }: PartResult): string {
  return `${name}, ${model}, ${operations.toLocaleString('en')} operations`
}

function drawPart(part: PartResult): string {
  const { window } = part
  if (window === undefined) return `${titleOf(part)}: illegal`
  const count = window.operations.length
  const these = count === 1 ? 'this one cannot be right' : `these ${count} cannot all be right`
  return [
    `${titleOf(part)}: illegal, ${these}`,
    '',
    ...drawWindow(window),
    '',
    `  ${window.reason}`,
  ].join('\n')
}

export function initialText(window: Window): string {
  const keys = new Set(window.operations.map(({ key }) => key))
  const texts = window.initial.map(({ key, arg }) =>
    keys.size === 1 ? valueText(arg) : `${keyText(key)} ${valueText(arg)}`,
  )
  return texts.length === 0 ? '' : `at first: ${texts.join(', ')}`
}

function drawWindow(window: Window): string[] {
  const { rows, edges } = layout(window, (label) => label.length + 4, 2)
  const initial = initialText(window)
  const head = initial === '' ? [] : [`  ${initial}`]
  const nameWidth = Math.max(...rows.map(({ client }) => `client ${client}`.length))
  const isDrawn = window.operations.length <= boxesMax
  if (!isDrawn || nameWidth + (edges.at(-1) as number) > columnsMax) {
    return [...head, ...listOf(window)]
  }
  const drawn = rows.map((row) => {
    const name = row.isFurther ? '' : `client ${row.client}`
    const lines = row.boxes.map(({ line }) => line).join(', ')
    const track = drawRow(row, edges).padEnd((edges.at(-1) as number) + 2)
    return `  ${name.padEnd(nameWidth)}  ${track} line ${lines}`
  })
  return [...head, ...drawn]
}

function drawRow({ boxes }: Row, edges: readonly number[]): string {
  let text = ''
  for (const box of boxes) text = text.padEnd(edges[box.from] as number) + drawBox(box, edges)
  return text
}

function drawBox({ label, from, to, isMarked, isOpen }: Box, edges: readonly number[]): string {
  const [left, line, right] = isMarked ? ['╞', '═', '╡'] : ['├', '─', '┤']
  const room = (edges[to] as number) - (edges[from] as number) - label.length - 3
  const before = Math.max(0, room >> 1)
  const after = Math.max(0, room - before - 1)
  const end = isOpen ? `${line}…` : right
  return `${left}${line?.repeat(before)} ${label} ${line?.repeat(after)}${end}`
}

function listOf({ operations, lines, marked }: Window): string[] {
  const shown = operations.slice(0, boxesMax)
  const rows = shown.map((operation, index) => {
    const { client, key, start, end } = operation
    const mark = marked.includes(index) ? '>' : ' '
    const ended = end < 0 ? 'no answer' : `${end}`
    const what = `${keyText(key)} ${opName(operation)}`
    return `${mark} line ${lines[index]}: client ${client}, ${start} to ${ended}: ${what}`
  })
  const more = operations.length - shown.length
  return more > 0 ? [...rows, `  and ${more} more`] : rows
}
