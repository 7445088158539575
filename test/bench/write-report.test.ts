/** What a report says on a terminal, in JSON and on its page, from one made by hand. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { chartDrawer } from '../../lib/bench/draw-chart.ts'
import { chartsOf } from '../../lib/bench/report-charts.ts'
import { pageOf } from '../../lib/bench/report-page.ts'
import { tablesOf } from '../../lib/bench/report-tables.ts'
import { showReport, writeReport } from '../../lib/bench/write-report.ts'
import { sample } from './sample-report.ts'

t.test('showReport() has every cell, target, workload and what was left out', async (t) => {
  const text = showReport(sample)
  for (const wanted of [
    /goaway 0\.5\.0, Node v20\.20\.2, 2 cores/,
    /3 min 12 s/,
    /LinFastRead +read +other node +tcp +own fields +3 +0\.0500 \(0\.0400 to 0\.0600\) +0\.500/,
    /alone +shared field +LinFastRead +400 +2,000 +20,000 +200,000/,
    /UpdateOnRelease +write +other node +own fields +160 +190 +220 +250/,
    /1 of 2 met, 1 missed/,
    /MISSED +map .* 12\.0 +at least 15\.0/,
    /matrix multiply +2 threads +2 +4,000 +2,100 +1\.90 +1\.95/,
    /Left out: Redis/,
    /Limits: an atomic load and a Map look-up 0\.0150 µs/,
  ]) {
    t.match(text, wanted)
  }
  t.notMatch(text, '\u001b', 'no name moves the cursor')
})

t.test('showReport() leaves out tables without rows', async (t) => {
  const text = showReport({ ...sample, targets: [], workloads: [], leftOut: [] })
  t.notMatch(text, 'Targets')
  t.notMatch(text, 'Whole programs')
  t.notMatch(text, 'Left out')
})

t.test('writeReport() makes the folder, and JSON that reads back as it was', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'goaway-report-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  const written = await writeReport(sample, join(root, 'a', 'b'))
  t.same(JSON.parse(readFileSync(written.json, 'utf8')), sample)
  const page = readFileSync(written.html, 'utf8')
  t.match(page, 'a read &lt;script&gt;alert(1)&lt;/script&gt;, to a Map look-up')
  t.notMatch(page, '<script')
})

t.test(
  'The page without a chart library has all tables, and says how to have charts',
  async (t) => {
    const page = pageOf(sample, undefined)
    t.match(page, 'npm install --save-dev echarts')
    t.notMatch(page, '<figure')
    for (const { title, rows } of tablesOf(sample)) {
      t.match(page, `<h2>${title}</h2>`)
      t.ok(rows.length > 0)
    }
    t.match(page, '<td class="missed">MISSED</td>')
    t.match(page, 'A &lt;processor&gt; &amp; &quot;more&quot;')
    t.match(page, '<li>Redis: redis-server is not installed')
  },
)

t.test('The page says which model is best for which share of reads', async (t) => {
  const page = pageOf(sample, undefined)
  t.match(page, '<td>alone</td><td>shared field</td><td>the most</td>')
  t.match(page, 'UpdateOnRelease (400,000/s)')
  t.match(page, 'LinFastRead (200,000/s)', 'of those that are linearizable')
})

t.test('A chart library that is not there is no failure', async (t) => {
  t.equal(await chartDrawer('a-chart-library-that-nobody-has'), undefined)
})

const draw = await chartDrawer()
if (draw === undefined) throw new Error('echarts is not installed: npm install')

t.test('The page has charts that need no script and no network', async (t) => {
  const page = pageOf(sample, draw)
  const { shares, nodes, limits, workloads } = chartsOf(sample)
  const charts = [...shares, ...nodes, ...limits, ...workloads]
  t.equal(charts.length, 2 + 3 + 1 + 1)
  t.equal(page.match(/<figure/g)?.length, charts.length)
  t.equal(page.match(/<svg role="img"/g)?.length, 2 * charts.length, 'wide and narrow')
  for (const { title } of charts) t.match(page, `aria-label="${title}"`)
  for (const unit of ['operations/s', 'µs (p50)', 'times the limit', 'share of reads']) {
    t.match(page, unit)
  }
  t.notMatch(page, /<script|<link|@import|url\((?!#)|(src|href)="(?!#)/)
  t.notMatch(page, '#0a0b', 'each colour is a variable of the page')
  t.match(page, 'var(--series-1)')
  t.notMatch(page, 'NaN')
})

t.test('Charts show names as they are', async (t) => {
  const [workload] = sample.workloads
  if (workload === undefined) throw new Error('The sample has no workload')
  const odd = { ...sample, workloads: [{ ...workload, name: 'a <b> & "c"' }] }
  const page = pageOf(odd, draw)
  t.match(page, 'a &lt;b&gt; &amp; ')
  t.notMatch(page, '<b>')
})

t.test('A report of nothing has a page, and a text', async (t) => {
  const empty = { ...sample, cells: [], limits: [], targets: [], workloads: [], leftOut: [] }
  t.match(pageOf(empty, draw), '<h1>goaway bench</h1>')
  t.match(showReport(empty), 'goaway 0.5.0')
})
