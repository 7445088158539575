/**
 * What the checker takes for 10,000 operations on 20 fields by 8 clients, beside what it takes to
 * read them: `npm run bench:checker`. Prints a table and writes JSON.
 */
import { check, parseHistory } from 'goaway/check'
import { Chance, randomHistory, show } from '../test/check/histories.ts'
import { compare, median, ratio, type Target } from './measure.ts'
import { report } from './report.ts'

const operations = 10_000
const secondsMax = 2
const rounds = process.argv.includes('--quick') ? 3 : 9

const mixes = {
  'reads and writes': ['read', 'read', 'write'],
  'all operations': ['read', 'read', 'write', 'cas', 'add', 'delete'],
} as const

async function measure(name: string, kinds: (typeof mixes)[keyof typeof mixes], lost: number) {
  const text = show(
    randomHistory(new Chance(1), {
      clients: 8,
      operations,
      keys: Array.from({ length: 20 }, (_, index) => `s.field${index}`),
      kinds,
      lost,
      lies: 0,
      isUnique: false,
    }),
  )
  const history = parseHistory(text)
  const { verdict } = check(history)
  if (verdict !== 'ok') throw new Error(`The history is right, and was found ${verdict}`)
  const timings = await compare(
    [
      { name: 'read', run: () => void parseHistory(text) },
      { name: 'check', run: () => void check(history) },
    ],
    1,
    rounds,
  )
  const [read, checked] = timings as [(typeof timings)[0], (typeof timings)[0]]
  const ms = median(checked.micros) / 1000
  const figures = { read: median(read.micros) / 1000, check: ms, atMost: secondsMax * 1000 }
  const targets: Target[] = [
    {
      what: `check 10,000 operations: ${name}, against two seconds`,
      figures,
      unit: 'ms',
      ratio: ms / (secondsMax * 1000),
      wanted: { atMost: 1 },
      isAbsolute: true,
    },
    {
      what: `check 10,000 operations: ${name}, against reading them`,
      figures,
      unit: 'ms',
      ratio: ratio(checked, read),
      wanted: { atMost: 30 },
    },
  ]
  return targets
}

report('checker', [
  ...(await measure('reads and writes', mixes['reads and writes'], 0)),
  ...(await measure('all operations', mixes['all operations'], 0)),
  ...(await measure('with lost answers', mixes['reads and writes'], 0.03)),
])
