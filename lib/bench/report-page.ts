/** The report as one HTML page that needs nothing else: no network, no script, no other file. */
import type { BenchReport } from './report-data.ts'
import { type ReportTable, tablesOf } from './report-tables.ts'

export async function pageOf(report: BenchReport): Promise<string> {
  const tables = tablesOf(report).toReversed()
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><title>goaway bench</title></head><body>',
    ...tables.map(htmlOf),
    '</body></html>',
    '',
  ].join('\n')
}

function htmlOf({ title, note, head, rows }: ReportTable): string {
  const row = (cells: readonly string[], tag: 'td' | 'th'): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`
  return [
    `<h2>${escaped(title)}</h2><p>${escaped(note)}</p>`,
    `<table><thead>${row(head, 'th')}</thead><tbody>`,
    ...rows.map((cells) => row(cells, 'td')),
    '</tbody></table>',
  ].join('\n')
}

export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
