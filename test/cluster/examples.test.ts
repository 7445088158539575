/**
 * The examples on local clusters of processes: neither they change nor what they say. What takes
 * longest, and the examples as compiled, are in `npm run proof`, which says `--all`.
 */
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
} from '../example-checks.ts'
import { cleanEnvironment, runWell } from '../run-node.ts'
import { localCluster } from './local-cluster.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
const bin = join(repository, 'bin', 'goaway.js')
const { env, file } = localCluster(t, {})
/** They are long: on a busy machine a node may be silent for a while, and belongs all the same. */
const patience = 'nodeTimeoutMs: 60000\nlinkGraceMs: 20000\n'
/** Every routine goes to another process; the first node is where all objects and locks are. */
const cluster = file('cluster.yaml', `launch: local\nnodes: 3\nthreads: 0\n${patience}`)
/** The spawner takes its part too. */
const mixed = file('mixed.yaml', `nodes: 3\nplacement: hash\n${patience}`)
/** The same in small, for what takes longer. */
const twoRemote = file('two-remote.yaml', `launch: local\nnodes: 2\nthreads: 0\n${patience}`)
const twoMixed = file('two-mixed.yaml', `nodes: 2\nplacement: hash\n${patience}`)

/** @param program from the repository's folder; one of TypeScript goes through tsx, or as it is */
function runOn(config: string, program: string, ...options: string[]): Promise<string> {
  const args = [bin, 'run', '-c', config, join(repository, program), ...options]
  return runWell(process.execPath, args, { env: { ...cleanEnvironment(), ...env } })
}

const isAll = process.argv.includes('--all')
t.jobs = 2
const outputs: readonly (readonly [string, readonly string[]])[] = [
  ['deadsimple', ['The value is 0', 'A routine has set it to 5']],
  [
    'demo',
    [
      'square(7): 49',
      'add(2): 3',
      'add(2, 3): 5',
      'squares: 1 4 9 16 25',
      'divide(1, 0): RangeError: Cannot divide 1 by zero',
      'powers(2, 8): 1 2 4 8 16 32 64 128',
      'hypotenuse(3, 4): 5',
    ],
  ],
  ['locking', ['count should be 100: 100', 'copy should be 100: 100']],
]
for (const [name, lines] of outputs) {
  t.test(`${name} says the same on a cluster, compiled and as TypeScript`, async (t) => {
    if (isAll || name === 'demo') {
      const compiled = await runOn(cluster, `dist/examples/${name}.js`)
      t.same(compiled.trim().split('\n'), lines)
    }
    const direct = await runOn(mixed, `examples/${name}.ts`)
    t.same(direct.trim().split('\n'), lines)
  })
}

const models = [
  ['weak', twoRemote, checkWeak],
  ['release', twoMixed, checkRelease],
  ['fast-read', twoRemote, checkFastRead],
  ['parameter-server', twoMixed, checkParameterServer],
  ['sor', twoMixed, checkRelaxation],
] as const
const long: ReadonlySet<string> = new Set(['parameter-server', 'sor'])
for (const [name, config, check] of models) {
  if (long.has(name) && !isAll) continue
  t.test(`${name} keeps its word on a cluster`, async (t) => {
    check(t, await runOn(config, `examples/${name}.ts`))
  })
}

t.test('mandelbrot draws its picture on a cluster', async (t) => {
  const picture = join(t.testdir(), 'picture.png')
  checkMandelbrot(t, await runOn(twoMixed, 'examples/mandelbrot.ts', picture), picture)
})

t.test('word-counts counts on a cluster words that only the spawner can read', async (t) => {
  const folder = t.testdir(texts)
  checkWordCounts(t, await runOn(twoRemote, 'examples/word-counts.ts', folder))
})

t.test('hash-puzzle finds its number on a cluster', async (t) => {
  const options = ['--zeros', '4', '--seed', 'goaway-', '--threads', '3']
  const output = await runOn(cluster, 'examples/hash-puzzle.ts', ...options)
  t.match(output, /^Solution: goaway-\d+$/m)
  t.match(output, /^Check: {4}0{4}\w+\.\.\. holds$/m)
  t.match(output, /^Workers: {2}[123] done, 0 at work$/m)
})
