import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { splitProgram } from '../../lib/cli/run-command.ts'
import { cleanEnvironment, type Finished, run, runWell, spawnBare } from '../run-node.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
const bin = join(repository, 'bin', 'goaway.js')

function goaway(options: readonly string[], cwd: string): Promise<Finished> {
  return run(process.execPath, [bin, ...options], { cwd })
}

/** A folder with programs; it is outside of the repository's reach for `tsx` and types. */
function programs(t: { testdir(content: Record<string, string>): string }): string {
  return t.testdir({
    'show.mjs':
      'const { env, argv } = process;' +
      'const { GOAWAY_THREADS: threads, GOAWAY_CLUSTER: cluster } = env;' +
      'console.log(JSON.stringify({ threads, cluster, args: argv.slice(2) }))',
    'cluster.yaml': 'nodes: 2',
    'fail.mjs': 'process.exitCode = 7',
    'die.mjs': "process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000)",
    'signal.mjs':
      "process.once('SIGTERM', () => { console.log('asked to stop'); process.exit(3) });" +
      "setInterval(() => {}, 1000); console.log('ready')",
  })
}

t.test('splitProgram() leaves all after the program to the program', async (t) => {
  t.same(splitProgram(['run', '--threads', '2', 'a.ts', '--threads', '3']), [
    'run',
    '--threads',
    '2',
    'a.ts',
    '--',
    '--threads',
    '3',
  ])
  t.same(splitProgram(['run', '--threads=2', 'a.ts']), ['run', '--threads=2', 'a.ts', '--'])
  for (const [given, split] of [
    ['a.ts -c x --size 3', 'a.ts -c x -- --size 3'],
    ['a.ts --cluster=x -c y', 'a.ts --cluster=x -- -c y'],
    ['-c x a.ts -c y', '-c x a.ts -- -c y'],
    ['a.ts --size 3 -c y', 'a.ts -- --size 3 -c y'],
    ['a.ts -- -c y', 'a.ts -- -c y'],
    ['a.ts -c', 'a.ts -c --'],
  ] as const) {
    const expected = ['run', ...split.split(' ')]
    t.same(splitProgram(['run', ...given.split(' ')]), expected, given)
  }
  t.same(splitProgram(['run', '--help']), ['run', '--help'])
  t.same(splitProgram(['--version']), ['--version'])
})

t.test('goaway run hands on arguments and --threads', async (t) => {
  const cwd = programs(t)
  const options = ['run', '--threads', '3', 'show.mjs', 'one', '--help', '--threads', '9']
  const { code, output } = await goaway(options, cwd)
  t.equal(code, 0)
  t.same(JSON.parse(output), { threads: '3', args: ['one', '--help', '--threads', '9'] })
})

t.test('goaway run -c names the cluster file to the program, by its full path', async (t) => {
  const cwd = programs(t)
  const { output } = await goaway(['run', 'show.mjs', '-c', 'cluster.yaml', 'one'], cwd)
  t.same(JSON.parse(output), { cluster: join(cwd, 'cluster.yaml'), args: ['one'] })
})

t.test('goaway run ends as the program ends', async (t) => {
  const cwd = programs(t)
  t.equal((await goaway(['run', 'fail.mjs'], cwd)).code, 7)
  t.equal((await goaway(['run', 'die.mjs'], cwd)).signal, 'SIGKILL')
})

t.test('goaway run forwards signals', async (t) => {
  const cwd = programs(t)
  const child = spawnBare(process.execPath, [bin, 'run', 'signal.mjs'], {
    cwd,
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (text.includes('ready')) child.kill('SIGTERM')
  })
  const [code] = await once(child, 'close')
  t.equal(code, 3)
  t.equal(output, 'ready\nasked to stop\n')
})

t.test('goaway run tells what it cannot do', async (t) => {
  const cwd = programs(t)
  for (const [options, message] of [
    [['run', 'none.ts'], /^Cannot run none\.ts: there is no such file: /],
    [['run', '--threads', '0', 'show.mjs'], /^Cannot use --threads: .* 1 to 512: '0'/],
    [['run', '--threads', 'two', 'show.mjs'], /^Cannot use --threads: .* 1 to 512: 'two'/],
    [['run', '-c', 'none.yaml', 'show.mjs'], /^Cannot use cluster file none\.yaml: there is no/],
    [['run'], /see goaway run --help/],
    [['fly'], /fly; see goaway --help/],
    [[], /Missing command; see goaway --help/],
  ] as const) {
    const { code, output, errors } = await goaway(options, cwd)
    t.equal(code, 2, options.join(' '))
    t.equal(output, '')
    t.match(errors, message)
  }
})

t.test('goaway --version and --help', async (t) => {
  const cwd = programs(t)
  t.match((await goaway(['--version'], cwd)).output, /^\d+\.\d+\.\d+\n$/)
  t.match((await goaway(['--help'], cwd)).output, /goaway run <program>/)
  t.match((await goaway(['run', '--help'], cwd)).output, /--threads/)
})

t.test('GOAWAY_THREADS sets the threads of a program that does not say', async (t) => {
  const cwd = t.testdir({ 'package.json': '{"name":"goaway-program","type":"module"}' })
  mkdirSync(join(cwd, 'lib'))
  const library = new URL('../../lib/index.js', import.meta.url).href
  writeFileSync(
    join(cwd, 'count.js'),
    `import { context, goaway, isSpawner } from '${library}'
     export function work() {
       const until = performance.now() + 5
       while (performance.now() < until) {}
       return context().thread
     }
     if (isSpawner) {
       const threads = await Promise.all(Array.from({ length: 40 }, () => goaway(work)))
       console.log(new Set(threads).size)
     }`,
  )
  const options = (threads: string) => ({ env: { ...cleanEnvironment(), GOAWAY_THREADS: threads } })
  const program = join(cwd, 'count.js')
  t.equal(await runWell(process.execPath, [program], options('1')), '1\n')
  const refused = await run(process.execPath, [program], options('-1'))
  t.not(refused.code, 0)
  t.match(refused.errors, /ERR_GOAWAY_CONFIG/)
  t.match(refused.errors, /Cannot use GOAWAY_THREADS: .*: '-1'/)
})
