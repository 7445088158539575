/** What becomes of nodes whose program is killed, or stands still. */
import t from 'tap'
import { countingPlan, slackMs, times } from './counting.ts'
import { keep, said, serves } from './kept.ts'
import { commandOf, type KeptNode, kill, Stage } from './stage.ts'

/** Each node has come back, and listens. */
function free(nodes: readonly KeptNode[], lives: number): Promise<unknown> {
  return Promise.all(nodes.map(({ supervisor }) => supervisor.times('listens on', lives)))
}

/** The program waits for the loss of a node: until it is killed or stopped it does not end. */
const faults = { seed: 6, increments: 160, each: 2, victim: 2 }

// They wait most of the time.
t.jobs = 2

t.test('A program that is killed leaves its nodes free', async (t) => {
  const kept = await keep(t, 3)
  const program = kept.stage.program(
    'counting',
    countingPlan(faults, kept.cluster as never, 'leave'),
  )
  await program.line('now')
  const killedAt = Date.now()
  kill(program.pid, 'SIGKILL')
  await free(kept.nodes, 2)
  const tookMs = Date.now() - killedAt
  t.comment(`free again after ${tookMs} ms`)
  t.ok(tookMs < times.nodeTimeoutMs + slackMs, 'free again within nodeTimeoutMs')
  await serves(t, kept)
  t.strictSame(await kept.stage.end(), [], 'no process is left')
})

t.test('A program that is killed leaves no node that it started', async (t) => {
  const stage = new Stage(t)
  const cluster = { nodes: 3, launch: 'local', ...times } as const
  const program = stage.program('counting', countingPlan(faults, cluster, 'leave'))
  await program.line('now')
  const killedAt = Date.now()
  kill(program.pid, 'SIGKILL')
  t.strictSame(await stage.settled(times.nodeTimeoutMs + slackMs), [], 'no process is left')
  t.comment(`all gone after ${Date.now() - killedAt} ms`)
})

t.test('A program that stands still loses the nodes that it started', async (t) => {
  const stage = new Stage(t)
  const cluster = { nodes: 3, launch: 'local', ...times } as const
  const program = stage.program('counting', countingPlan(faults, cluster, 'leave'))
  await program.line('now')
  const nodes = (pid: number): boolean => commandOf(pid).startsWith('goaway node')
  t.equal(stage.processes().filter(nodes).length, 3)
  const stoppedAt = Date.now()
  kill(program.pid, 'SIGSTOP')
  t.strictSame(await stage.settled(times.nodeTimeoutMs + slackMs, nodes), [], 'no node is left')
  t.comment(`all gone after ${Date.now() - stoppedAt} ms`)
  kill(program.pid, 'SIGCONT')
  const { code, stdout, timedOut } = await program.ended
  t.equal(timedOut, false, 'nothing hangs')
  t.equal(code, 0)
  t.match(said(stdout).get('counted'), { count: 'ERR_GOAWAY_MASTER_LOST' })
  t.match(said(stdout).get('members'), { names: ['spawner'] })
  t.strictSame(await stage.end(), [], 'no process is left')
})

t.test('A program that stands still loses its nodes, and hears of it', async (t) => {
  const kept = await keep(t, 3)
  const program = kept.stage.program(
    'counting',
    countingPlan(faults, kept.cluster as never, 'leave'),
  )
  await program.line('now')
  const stoppedAt = Date.now()
  kill(program.pid, 'SIGSTOP')
  await free(kept.nodes, 2)
  const tookMs = Date.now() - stoppedAt
  t.comment(`free again after ${tookMs} ms`)
  t.ok(tookMs < times.nodeTimeoutMs + slackMs, 'free again within nodeTimeoutMs')
  kill(program.pid, 'SIGCONT')
  const { code, stdout, timedOut } = await program.ended
  t.equal(timedOut, false, 'nothing hangs')
  t.equal(code, 0)
  const lines = said(stdout)
  t.match(lines.get('counted'), { count: 'ERR_GOAWAY_MASTER_LOST' })
  t.match(lines.get('holder'), { code: /^ERR_GOAWAY_(NODE|MASTER)_LOST$/ })
  t.match(lines.get('heir'), { code: /^ERR_GOAWAY_(NODE|MASTER)_LOST$/ })
  t.match(lines.get('sum'), { value: 5 }, 'the program itself goes on')
  t.strictSame(await kept.stage.end(), [], 'no process is left')
})
