/**
 * Takes charts of a report of the benches as files of their own, for the documents:
 * `node scripts/charts.mjs bench/results/report.html docs/charts`. The page's colours, light and
 * dark, and its legend go into each.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

/** File name: label of the chart on the page. */
const wanted = {
  'alone-shared-field': 'Alone: two threads, the same field',
  'cluster-shared-field': '3 nodes: two of the nodes that do not serve, the same field',
  'cluster-writes': 'Writes and locks, asked for at another node',
  'cluster-reads': 'Reads, asked for at another node',
}
const [, , page, folder] = process.argv
if (page === undefined || folder === undefined) {
  console.error('Usage: node scripts/charts.mjs <report.html> <folder>')
  process.exit(2)
}

const html = readFileSync(page, 'utf8')
const roots = [...html.matchAll(/:root \{([^}]*)\}/g)].map(([, rules]) => rules)
const style =
  `<style>svg {${roots[0]}}\n@media (prefers-color-scheme: dark) { svg {${roots[1]}} }\n` +
  '.ground { fill: var(--page) } .name { fill: var(--ink); font: 13px system-ui, sans-serif }' +
  '</style>'
const rowHeight = 20

/** The names of the lines, with their colours and marks, in rows below the chart. */
function legendOf(at, width, height) {
  const [, list] = /<ul class="legend">(.*?)<\/ul>/s.exec(
    html.slice(html.lastIndexOf('<ul class="legend">', at)),
  )
  let [x, y] = [10, height]
  const parts = []
  for (const [, mark, name] of list.matchAll(/<li>(<svg.*?<\/svg>)(.*?)<\/li>/gs)) {
    const text = name.replace(/<[^>]*>/g, '').trim()
    const needed = 56 + text.length * 7.5
    if (x + needed > width) [x, y] = [10, y + rowHeight]
    parts.push(mark.replace('<svg ', `<svg x="${x}" y="${y}" width="36" height="14" `))
    parts.push(`<text class="name" x="${x + 40}" y="${y + 11}">${text}</text>`)
    x += needed
  }
  return { legend: parts.join('\n'), end: y + rowHeight }
}

mkdirSync(folder, { recursive: true })
for (const [name, label] of Object.entries(wanted)) {
  const at = html.indexOf(`<svg role="img" aria-label="${label}"`)
  if (at < 0) throw new Error(`Cannot take the chart "${label}" of ${page}: it is not there`)
  const [svg] = /<svg.*?<\/svg>/s.exec(html.slice(at))
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)
  const inner = svg.replace(/^<svg[^>]*>/, '').replace(/<\/svg>$/, '')
  const { legend, end: total } = legendOf(at, Number(width), Number(height))
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" role="img">`
  const ground = `<rect class="ground" width="${width}" height="${total}"/>`
  const title = `<title>${label}</title>`
  const file = [open, title, style, ground, inner, legend, '</svg>', ''].join('\n')
  writeFileSync(join(folder, `${name}.svg`), file)
}
