/** The parts are small programs here, which the test writes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { gather } from '../../bench/gather.ts'
import { type Part, partsNamed } from '../../bench/parts.ts'
import { type Running, runParts } from '../../bench/run-parts.ts'

const result = { machine: {}, targets: [], workloads: [], cells: [], limits: [], leftOut: [] }
const machine = { goaway: '1.0.0', node: 'v20.19.0', cores: 2, processor: 'a processor' }

/** A part that writes what it is given as its result, and then runs some code. */
function setUp(t: Test, programs: Readonly<Record<string, { result?: object; code?: string }>>) {
  const folder = t.testdir({})
  const fileOf = (name: string): URL => pathToFileURL(join(folder, `${name}.json`))
  const parts = Object.entries(programs).map(([name, { result, code }]): Part => {
    const program = join(folder, `${name}.mjs`)
    const text = result && JSON.stringify(JSON.stringify(result))
    const write = text && `writeFileSync(new URL(${JSON.stringify(fileOf(name).href)}), ${text})`
    const lines = ["import { writeFileSync } from 'node:fs'", write ?? '', code ?? '']
    writeFileSync(program, lines.join('\n'))
    return { name, program }
  })
  const lines: string[] = []
  const running: Running = {
    mode: 'quick',
    signal: new AbortController().signal,
    onStart: ({ name }) => lines.push(name),
    onLine: ({ name }, line) => lines.push(`${name}: ${line}`),
    fileOf,
  }
  return { parts, running, lines, fileOf }
}

t.test('runParts() runs one part after the other and tells what they say', async (t) => {
  const { parts, running, lines } = setUp(t, {
    one: { result, code: 'console.error(process.argv[2]); console.log("a table")' },
    two: { result: { ...result, leftOut: ['Redis'] } },
  })
  const outcomes = await runParts(parts, running)
  t.same(lines, ['one', 'one: --quick', 'two'])
  t.same(
    outcomes.map(({ failure }) => failure),
    [undefined, undefined],
  )
  t.same(outcomes[1]?.result?.leftOut, ['Redis'])
})

t.test('runParts() goes on when a part fails, and tells its last words', async (t) => {
  const { parts, running } = setUp(t, {
    failing: { code: 'console.error("no such thing"); process.exitCode = 3' },
    silent: {},
    late: { result, code: 'process.exitCode = 1' },
    good: { result },
  })
  const outcomes = await runParts(parts, running)
  t.same(
    outcomes.map(({ failure }) => failure),
    [
      'failing failed with exit code 3\n  no such thing',
      'silent left no result',
      'late failed with exit code 1',
      undefined,
    ],
  )
  const times = { mode: 'quick', started: '', tookMs: 1, machine } as const
  const { leftOut } = gather(outcomes, times)
  t.match(leftOut, [/failing/, /silent/, /late/], 'and the report says so')
  t.equal(outcomes[2]?.result?.targets.length, 0, 'what it has left is taken')
})

t.test('runParts() does not take the result of an earlier run for that of this one', async (t) => {
  const { parts, running, fileOf } = setUp(t, { silent: {} })
  writeFileSync(fileOf('silent'), JSON.stringify(result))
  const [outcome] = await runParts(parts, running)
  t.equal(outcome?.result, undefined)
  t.equal(outcome?.failure, 'silent left no result')
})

t.test('runParts() ends the part that runs, and starts no other, when it is told to', async (t) => {
  const { parts, running, lines } = setUp(t, {
    endless: { code: 'console.error("runs"); setInterval(() => {}, 1_000)' },
    next: { result },
  })
  const controller = new AbortController()
  const outcomes = await runParts(parts, {
    ...running,
    signal: controller.signal,
    onLine: () => controller.abort(),
  })
  t.same(lines, ['endless'])
  t.same(
    outcomes.map(({ failure }) => failure),
    ['endless was ended\n  runs'],
  )
})

t.test('partsNamed() takes all without a name, and refuses what is none', async (t) => {
  const parts = ['one', 'two'].map((name) => ({ name, program: name }))
  t.same(partsNamed([], parts), parts)
  t.same(partsNamed(['two'], parts), parts.slice(1))
  t.throws(() => partsNamed(['three'], parts), {
    name: 'RangeError',
    message: 'Cannot run the part three: there are one, two',
  })
})
