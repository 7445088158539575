/** How programs on a cluster of processes end, and what they print. */
import process from 'node:process'
import t, { type Test } from 'tap'
import { jsonLines, Program, programFile } from '../run-program.ts'
import { allRemote, localCluster } from './local-cluster.ts'

const { env } = localCluster(t, { ...allRemote, nodes: 3 })

function start(way: string, unread = false): Program {
  return new Program(programFile('cluster-life'), { args: [way], env, unread })
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** All processes are gone, at the latest a moment after their parent. */
async function areGone(t: Test, pids: readonly number[]): Promise<void> {
  t.equal(pids.length, 3)
  const until = performance.now() + 60_000
  while (pids.some(isThere) && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  t.same(pids.filter(isThere), [])
}

t.jobs = 2
for (const [way, code, errors] of [
  ['await using', 0, /^$/],
  ['just ends', 0, /^$/],
  ['process.exit', 4, /^$/],
  ['throws', 1, /the program itself/],
] as const) {
  t.test(`A program ends with its nodes (${way})`, async (t) => {
    const run = await start(way).ended
    t.equal(run.timedOut, false)
    t.equal(run.code, code)
    t.match(run.stderr, errors)
    const [{ pids }] = jsonLines(run.stdout)
    await areGone(t, pids)
  })
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
  t.test(`${signal} ends a blocked program and all its nodes`, async (t) => {
    const program = start('signal')
    await program.printed('ready\n')
    program.kill(signal)
    const run = await program.ended
    t.equal(run.signal, signal)
    t.equal(run.stderr, '')
    const [{ pids }] = jsonLines(run.stdout.replace('ready\n', ''))
    await areGone(t, pids)
  })
}

t.test('shutdown() of three nodes is quick, and leaves none', async (t) => {
  const run = await start('closes').ended
  t.equal(run.code, 0)
  const [{ closeMs, pids, upMs }] = jsonLines(run.stdout)
  t.same(pids.filter(isThere), [], 'they are gone when it resolves')
  t.comment(`up in ${upMs} ms, closed in ${closeMs} ms`)
  // On an idle machine some 150 ms; if it waited for what does not run, a minute.
  t.ok(closeMs < 30_000, `${closeMs} ms`)
})

t.test('A program that blocks before its cluster is there goes on', async (t) => {
  const run = await start('blocks first').ended
  t.equal(run.stderr, '')
  t.equal(run.code, 0)
  t.same(jsonLines(run.stdout), [{ count: 20 }])
})

t.test('Lines of several nodes stay whole, each in the order of its thread', async (t) => {
  const program = start('prints in turns')
  const ends = ['node-1', 'node-2', 'node-3'].map((node) => `49 of ${node}\n`)
  await Promise.all(ends.map((end) => program.printed(end)))
  process.kill(program.pid, 'SIGUSR2')
  const run = await program.ended
  t.equal(run.code, 0)
  const lines = run.stdout.trim().split('\n')
  t.equal(lines.length, 150)
  for (const node of ['node-1', 'node-2', 'node-3']) {
    const own = lines.filter((line) => line.startsWith(`[${node}] `))
    const expected = Array.from(
      { length: 50 },
      (_, index) => `[${node}] ${node}: ${index} of ${node}`,
    )
    t.same(own, expected)
  }
})

t.test('A terminal that does not read stops who prints, and nobody else', async (t) => {
  const program = start('prints much', true)
  await program.printed('counted 100\n')
  program.read()
  await program.printed('\n[node-2] 19999 xxx')
  process.kill(program.pid, 'SIGUSR2')
  const run = await program.ended
  t.equal(run.code, 0)
  const lines = run.stdout.trimEnd().split('\n')
  t.equal(lines.length, 20_000)
  t.ok(lines.every((text, index) => text.startsWith(`[node-2] ${index} xxx`)))
})

t.test('A program that forgot isSpawner is told so, once', async (t) => {
  const run = await new Program(programFile('forgotten'), { args: ['goaway'], env }).ended
  t.equal(run.timedOut, false)
  t.equal(run.code, 1)
  t.match(run.stderr, /code: 'ERR_GOAWAY_NOT_SPAWNER'/)
  t.match(run.stderr, 'if (isSpawner) {')
  t.equal(run.stderr.split('Cannot ').length - 1, 1, 'nobody else speaks of it')
})
