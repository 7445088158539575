import { createHash } from 'node:crypto'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import {
  checkFastRead,
  checkMandelbrot,
  checkParameterServer,
  checkRelaxation,
  checkRelease,
  checkWeak,
  checkWordCounts,
  texts,
} from './example-checks.ts'
import { run, runWell } from './run-node.ts'

function example(name: string): string {
  return fileURLToPath(new URL(`../examples/${name}.js`, import.meta.url))
}

t.test('deadsimple sets a field in a routine', async (t) => {
  const output = await runWell(process.execPath, [example('deadsimple')])
  t.equal(output, 'The value is 0\nA routine has set it to 5\n')
})

t.test('demo calls routines in all its ways', async (t) => {
  const output = await runWell(process.execPath, [example('demo')])
  t.same(output.trim().split('\n'), [
    'square(7): 49',
    'add(2): 3',
    'add(2, 3): 5',
    'squares: 1 4 9 16 25',
    'divide(1, 0): RangeError: Cannot divide 1 by zero',
    'powers(2, 8): 1 2 4 8 16 32 64 128',
    'hypotenuse(3, 4): 5',
  ])
})

t.test('locking loses no count', async (t) => {
  const output = await runWell(process.execPath, [example('locking')])
  t.equal(output, 'count should be 100: 100\ncopy should be 100: 100\n')
})

t.test('put gives a value to many routines', async (t) => {
  const output = await runWell(process.execPath, [example('put')])
  t.equal(
    output,
    'Nearest to the first of 20: 196350, to the last: 188548\nas one thread finds them\n',
  )
})

t.test('map does many small things in few routines', async (t) => {
  const output = await runWell(process.execPath, [example('map')])
  t.same(output.trim().split('\n'), [
    'The longest sequence: 156159, 382 steps',
    'in far fewer chunks than items',
    'Perfect: 6, 28, 496, 8128',
  ])
})

const examples = [
  ['weak', 'shows anything first, and all after sync()', checkWeak],
  ['release', 'never shows half a change', checkRelease],
  ['fast-read', 'reads nothing stale', checkFastRead],
  ['parameter-server', 'learns with every model', checkParameterServer],
  ['sor', 'computes what one thread does, to the last bit', checkRelaxation],
] as const
for (const [name, promise, check] of examples) {
  t.test(`${name} ${promise}`, async (t) => {
    check(t, await runWell(process.execPath, [example(name)]))
  })
}

t.test('mandelbrot writes a picture whose every pixel is right', async (t) => {
  const file = join(t.testdir(), 'picture.png')
  checkMandelbrot(t, await runWell(process.execPath, [example('mandelbrot'), file]), file)
})

t.test('word-counts', async (t) => {
  t.test('counts the words of a folder', async (t) => {
    const folder = t.testdir(texts)
    checkWordCounts(t, await runWell(process.execPath, [example('word-counts'), folder]))
  })

  t.test('counts those of the docs', async (t) => {
    const output = await runWell(process.execPath, [example('word-counts')])
    t.match(output, /^Weak: \d+ additions.*\n {2}as a plain loop counts them$/m)
    t.match(output, /^StrictCentralized: \d+ additions.*\n {2}as a plain loop counts them$/m)
    t.match(output, /^\d{2} texts, \d{5,6} words, \d{4} different, most often:\n {2}the \d+$/m)
  })
})

t.test('hash-puzzle', async (t) => {
  const puzzle = example('hash-puzzle')

  t.test('finds a number that fits, and compares itself with a plain loop', async (t) => {
    const options = ['--zeros', '4', '--seed', 'goaway-', '--threads', '2']
    const output = await runWell(process.execPath, [puzzle, ...options])
    const solution = /^Solution: (goaway-\d+)$/m.exec(output)?.[1] ?? ''
    const digest = createHash('sha512').update(solution).digest('hex')
    t.match(digest, /^0000/, 'the solution fits')
    t.match(output, `Check:    ${digest.slice(0, 32)}... holds`)
    t.match(output, /^Time: {5}\d+\.\d\d s for \d+\.\d\d million numbers$/m)
    // The second may not have begun when the first has found it: then it never starts.
    t.match(output, /^Workers: {2}[12] done, 0 at work$/m)
    t.match(output, /^Speed-up: \d+\.\d\d on 2 threads$/m)
    t.notMatch(output, '\u001B', 'no terminal codes where output is no terminal')
  })

  t.test('--help tells its options', async (t) => {
    const output = await runWell(process.execPath, [puzzle, '--help'])
    t.match(output, /--zeros.*\n?.*--seed/s)
  })

  for (const options of [
    ['--zeros', '0'],
    ['--zeros', 'many'],
    ['--threads', '1.5'],
    ['--zero=3'],
  ]) {
    t.test(`refuses ${options.join(' ')}`, async (t) => {
      const { code, output, errors } = await run(process.execPath, [puzzle, ...options])
      t.equal(code, 1)
      t.equal(output, '')
      t.match(errors, /has to be a whole number from 1 to|Unknown argument: zero/)
    })
  }
})
