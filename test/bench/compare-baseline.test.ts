import t from 'tap'
import { type Baseline, baselineText, type Measured, withBaseline } from '../../bench/baseline.ts'
import { compareBaseline, measuredOf, type Verdict } from '../../bench/compare-baseline.ts'
import { showVerdicts } from '../../bench/show-verdicts.ts'
import type { ReportedTarget } from '../../lib/bench/report-data.ts'

const machine = { goaway: '1.0.0', node: 'v20.19.0', cores: 2, processor: 'a processor' }

function measured(what: string, better: Measured['better'], ...ratios: number[]): Measured {
  return { bench: 'local', what, better, ratios }
}

function verdict(before: Measured, now: Measured): Verdict {
  const [found] = compareBaseline([before], [now], new Set(['local']))
  return found as Verdict
}

function target(what: string, ratio: number, more: Partial<ReportedTarget> = {}): ReportedTarget {
  return {
    ...{ bench: 'local', what, figures: {}, unit: 'µs', ratio, wanted: { atMost: 2 }, met: true },
    ...more,
  }
}

t.test('compareBaseline() tells of what got slower beyond its noise', async (t) => {
  const slower = verdict(
    measured('read', 'lower', 1, 1.02, 0.98),
    measured('read', 'lower', 1.3, 1.32, 1.28),
  )
  t.match(slower, { verdict: 'worse', before: 1, now: 1.3 })
  t.ok(Math.abs(slower.worseTimes - 1.3) < 1e-9)
  const fewer = verdict(
    measured('burst', 'higher', 3, 3.1, 2.9),
    measured('burst', 'higher', 2, 2.1, 1.9),
  )
  t.match(fewer, { verdict: 'worse', worseTimes: 1.5 })
})

t.test('compareBaseline() takes a gain for a gain, whichever way the ratio goes', async (t) => {
  const lower = verdict(measured('read', 'lower', 2, 2), measured('read', 'lower', 1, 1))
  t.match(lower, { verdict: 'better', worseTimes: 0.5 })
  const higher = verdict(measured('burst', 'higher', 2, 2), measured('burst', 'higher', 4, 4))
  t.match(higher, { verdict: 'better', worseTimes: 0.5 })
})

t.test('compareBaseline() calls noisy what moved by less than the noise of both', async (t) => {
  // Runs of each side lie 1.1 times from their median: 1.1 to the power of six together, 1.77.
  const before = measured('read', 'lower', 1, 1.1, 1 / 1.1)
  const at = (middle: number): Measured =>
    measured('read', 'lower', ...before.ratios.map((ratio) => ratio * middle))
  t.match(verdict(before, at(1.7)), { verdict: 'noisy' })
  t.match(verdict(before, at(1.8)), { verdict: 'worse' })
  t.match(verdict(before, at(0.6)), { verdict: 'noisy' })
  t.match(verdict(before, at(0.5)), { verdict: 'better' })
})

t.test('compareBaseline() is not blinded by one run that was disturbed', async (t) => {
  const before = measured('read', 'lower', 1, 1.01, 9, 1.01, 1)
  const now = measured('read', 'lower', 1.3, 1.31, 1.3, 1.3, 0.1)
  t.match(verdict(before, now), { verdict: 'worse' })
})

t.test('compareBaseline() takes less than a tenth for nothing, however quiet it was', async (t) => {
  const before = measured('read', 'lower', 1, 1, 1)
  t.match(verdict(before, measured('read', 'lower', 1.09)), { verdict: 'same' })
  t.match(verdict(before, measured('read', 'lower', 1.11)), { verdict: 'worse' })
})

t.test('compareBaseline() tells of targets that are gone and that are new', async (t) => {
  const old = measured('old', 'lower', 1)
  const fresh = measured('fresh', 'lower', 1)
  const verdicts = compareBaseline([old], [fresh], new Set(['local']))
  t.same(
    verdicts.map(({ what, verdict }) => [what, verdict]),
    [
      ['old', 'missing'],
      ['fresh', 'new'],
    ],
  )
  t.same(compareBaseline([old], [], new Set(['cluster'])), [], 'a part that was not run is not')
})

t.test('measuredOf() keeps the ratios of all runs, and no times', async (t) => {
  const runs = [
    [target('read', 1), target('start', 2, { isAbsolute: true })],
    [target('read', 1.5), target('burst', 3, { wanted: { atLeast: 2 } })],
    [target('read', Number.NaN)],
  ]
  t.same(measuredOf(runs), [
    { bench: 'local', what: 'read', better: 'lower', ratios: [1, 1.5] },
    { bench: 'local', what: 'burst', better: 'higher', ratios: [3] },
  ])
})

t.test('withBaseline() replaces the targets of the parts that were run alone', async (t) => {
  const now = new Date(0)
  const other = { ...measured('x', 'lower', 1), bench: 'cluster' }
  const old = withBaseline(undefined, [measured('gone', 'lower', 1), other], [], machine, now)
  const next = withBaseline(old, [measured('read', 'lower', 2)], ['local'], machine, now)
  t.same(next.targets, [other, measured('read', 'lower', 2)])
})

t.test('baselineText() is JSON with a target on each line', async (t) => {
  const targets = [measured('one', 'lower', 1.23456789), measured('two', 'higher', 2)]
  const baseline: Baseline = { version: 1, taken: '2026-01-01', machine, targets }
  const text = baselineText(baseline)
  const rounded = [measured('one', 'lower', 1.235), measured('two', 'higher', 2)]
  t.same(JSON.parse(text), { ...baseline, targets: rounded })
  t.equal(text.split('\n').filter((line) => line.includes('"what"')).length, 2)
})

t.test('showVerdicts() says what moved, the worst first, and whose baseline it is', async (t) => {
  const names = ['a bit slower', 'much slower', 'unmoved', 'quicker', 'gone']
  const before = names.map((name) => measured(name, 'lower', 1))
  const now = [
    ...[measured('a bit slower', 'lower', 1.5), measured('much slower', 'lower', 4)],
    ...[measured('unmoved', 'lower', 1), measured('quicker', 'lower', 0.5)],
  ]
  const verdicts = compareBaseline(before, now, new Set(['local']))
  const baseline = { taken: '2026-01-01T00:00:00.000Z', machine }
  const lines = showVerdicts(verdicts, baseline, { ...machine, cores: 8 }).split('\n')
  t.same(lines, [
    'WORSE    local: much slower: 1 before, 4 now: 4.00 × worse, noise 1.00 ×',
    'WORSE    local: a bit slower: 1 before, 1.5 now: 1.50 × worse, noise 1.00 ×',
    'MISSING  local: gone: was 1',
    'BETTER   local: quicker: 1 before, 0.5 now: 2.00 × better, noise 1.00 ×',
    [
      '5 ratios beside those of 2026-01-01:',
      '2 worse, 1 missing, 0 noisy, 1 better, 0 new, 0 left out, 1 same',
    ].join(' '),
    'The baseline is of another machine (cores 2, here 8): compare with one of this machine',
  ])
})
