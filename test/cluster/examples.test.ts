/** The examples on a local cluster of three processes: neither they change nor what they say. */
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { cleanEnvironment, runWell } from '../run-node.ts'
import { localCluster } from './local-cluster.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
const bin = join(repository, 'bin', 'goaway.js')
const { env, file } = localCluster(t, {})
/** Every routine goes to another process; the first node is where all objects and locks are. */
const cluster = file('cluster.yaml', 'launch: local\nnodes: 3\nthreads: 0\n')
/** The spawner takes its part too. */
const mixed = file('mixed.yaml', 'nodes: 3\nplacement: hash\n')

/** @param program from the repository's folder; one of TypeScript goes through tsx, or as it is */
function runOn(config: string, program: string, ...options: string[]): Promise<string> {
  const args = [bin, 'run', '-c', config, join(repository, program), ...options]
  return runWell(process.execPath, args, { env: { ...cleanEnvironment(), ...env } })
}

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
    const compiled = await runOn(cluster, `dist/examples/${name}.js`)
    t.same(compiled.trim().split('\n'), lines)
    const direct = await runOn(mixed, `examples/${name}.ts`)
    t.same(direct.trim().split('\n'), lines)
  })
}

t.test('hash-puzzle finds its number on a cluster', async (t) => {
  const options = ['--zeros', '4', '--seed', 'goaway-', '--threads', '3']
  const output = await runOn(cluster, 'examples/hash-puzzle.ts', ...options)
  t.match(output, /^Solution: goaway-\d+$/m)
  t.match(output, /^Check: {4}0{4}\w+\.\.\. holds$/m)
  t.match(output, /^Workers: {2}[123] done, 0 at work$/m)
})
