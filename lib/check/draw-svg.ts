/** The timeline as a picture that needs no script, and is dark where its reader's screen is. */
import type { CheckResult, PartResult } from './check-result.ts'
import { initialText, partsDrawnMax, titleOf } from './draw-text.ts'
import { type Box, layout } from './layout.ts'

const characterWidth = 7.3
const rowHeight = 34
const boxHeight = 24
const lineHeight = 20
const margin = 16
const columnGap = 18
const widthMin = 640

const style = `
  text { fill: #1f2328; font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
  .back { fill: #ffffff; } .dim { fill: #59636e; } .title { font-weight: bold; }
  .box { fill: #ddf4ff; stroke: #0969da; } .track { stroke: #d1d9e0; }
  .bad { fill: #ffebe9; stroke: #cf222e; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } .back { fill: #0d1117; } .dim { fill: #9198a1; }
    .box { fill: #121d2f; stroke: #4493f8; } .track { stroke: #3d444d; }
    .bad { fill: #25171c; stroke: #f85149; }
  }
  .open { stroke-dasharray: 4 3; }`

/** Draws the windows of a check as SVG, one below the other. */
export function drawSvg(result: CheckResult): string {
  const illegal = result.parts.filter(({ window }) => window !== undefined).slice(0, partsDrawnMax)
  let height = margin
  let width = widthMin
  const drawn: string[] = []
  for (const part of illegal) {
    const picture = drawPart(part, height)
    drawn.push(picture.svg)
    height += picture.height + margin
    width = Math.max(width, picture.width)
  }
  if (illegal.length === 0) {
    drawn.push(textAt(margin, height + 12, `${result.verdict}: nothing contradicts`, 'title'))
    height += lineHeight + margin
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${width} ${height}" ` +
      `width="${width}" height="${height}">`,
    `<title>What goaway check found: ${result.verdict}</title>`,
    `<style>${style}\n</style>`,
    `<rect width="${width}" height="${height}" class="back"/>`,
    ...drawn,
    '</svg>\n',
  ].join('\n')
}

interface Picture {
  readonly svg: string
  readonly width: number
  readonly height: number
}

function drawPart(part: PartResult, top: number): Picture {
  const { window } = part
  if (window === undefined) return { svg: '', width: 0, height: 0 }
  const { rows, edges } = layout(window, (label) => label.length * characterWidth + 20, columnGap)
  const nameWidth = 80
  const left = margin + nameWidth
  const right = left + (edges.at(-1) as number)
  const reason = wrapped(window.reason, Math.max(widthMin, right) / characterWidth - 6)
  const parts = [
    textAt(margin, top + 12, `${titleOf(part)}: illegal`, 'title'),
    textAt(margin, top + 12 + lineHeight, initialText(window), 'dim'),
  ]
  const rowsTop = top + 2 * lineHeight + 6
  for (const [index, row] of rows.entries()) {
    const y = rowsTop + index * rowHeight
    const middle = y + boxHeight / 2
    parts.push(`<line class="track" x1="${left}" y1="${middle}" x2="${right}" y2="${middle}"/>`)
    if (!row.isFurther) parts.push(textAt(margin, middle + 4, `client ${row.client}`, 'dim'))
    parts.push(...row.boxes.map((box) => drawBox(box, edges, left, y)))
  }
  const bottom = rowsTop + rows.length * rowHeight + 12
  parts.push(...reason.map((text, index) => textAt(margin, bottom + index * lineHeight, text, '')))
  return {
    svg: parts.join('\n'),
    width: Math.ceil(right + margin),
    height: bottom + reason.length * lineHeight - top,
  }
}

function drawBox(box: Box, edges: readonly number[], left: number, y: number): string {
  const x = left + (edges[box.from] as number)
  const width = (edges[box.to] as number) - (edges[box.from] as number) - 4
  const { start, end } = box.operation
  const words = ['box', box.isMarked ? 'bad' : '', box.isOpen ? 'open' : '']
  const ended = end < 0 ? 'no answer' : String(end)
  return [
    `<g><title>line ${box.line}: ${escapeXml(box.label)}, from ${start} to ${ended}</title>`,
    `<rect class="${words.filter(Boolean).join(' ')}" x="${x}" y="${y}" width="${width}" ` +
      `height="${boxHeight}" rx="4"/>`,
    `<text x="${x + width / 2}" y="${y + 16}" text-anchor="middle">${escapeXml(box.label)}</text>`,
    '</g>',
  ].join('')
}

function textAt(x: number, y: number, text: string, name: string): string {
  if (text === '') return ''
  return `<text x="${x}" y="${y}"${name === '' ? '' : ` class="${name}"`}>${escapeXml(text)}</text>`
}

function wrapped(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + word.length >= columns) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}

function escapeXml(text: string): string {
  const named: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  }
  // Control characters are no part of XML.
  return text.replaceAll(/\p{Cc}/gu, '�').replaceAll(/[&<>"]/g, (each) => named[each] as string)
}
