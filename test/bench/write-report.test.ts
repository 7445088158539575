/** What a report says on a terminal, in JSON and on its page, from one made by hand. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
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
    /at least 15\.0 +MISSED/,
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
