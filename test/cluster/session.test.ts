/** A process that holds a lock stands still for longer than its session, and stays a member. */
import t from 'tap'
import { rendezvous } from '../../lib/protocol/rendezvous.ts'
import { jsonLines } from '../run-program.ts'
import { kill, Stage } from './stage.ts'

/** A name that is served by the node of that number in the file. */
function nameAt(prefix: string, index: number): string {
  for (let at = 0; ; at++) {
    const name = `${prefix} ${at}`
    if (rendezvous(name, [1, 2, 3]) === index) return name
  }
}

const times = { nodeTimeoutMs: 30_000, linkGraceMs: 15_000, sessionMs: 3_000 }

t.test('A holder that stood still hears that its lock is lost, and writes nothing', async (t) => {
  const stage = new Stage(t)
  const program = stage.program('stalled-holder', {
    cluster: { nodes: 3, launch: 'local', placement: 'hash', threads: 1, ...times },
    holder: 'node-3',
    heir: 'node-2',
    lock: nameAt('lock', 1),
    object: nameAt('object', 2),
    events: nameAt('events', 1),
    // Its last keep was taken a third of that time before the stop at most.
    gapMs: times.sessionMs * 0.6,
  })
  const { nodes } = await program.line('nodes')
  const { pid } = nodes.find(({ name }: { name: string }) => name === 'node-3')
  const stoppedAt = performance.now()
  kill(pid, 'SIGSTOP')
  const passed = await program.line('passed')
  t.comment(`the lock passed on ${Math.round(performance.now() - stoppedAt)} ms after the stop`)
  kill(pid, 'SIGCONT')
  const { code, stdout } = await program.ended
  t.equal(code, 0)
  const said = new Map(jsonLines(stdout).map((line) => [line.what, line]))
  const { token } = passed
  t.match(said.get('holder'), {
    value: {
      write: 'ERR_GOAWAY_STALE_TOKEN',
      reason: 'ERR_GOAWAY_SESSION_LOST',
      after: 'written',
    },
  })
  t.match(said.get('heir'), { value: { token, lost: false } })
  t.ok(said.get('holder')?.value.token < token && token < said.get('holder')?.value.again)
  t.equal(said.get('x')?.value, 'holder', 'though nobody had told that store of the next holder')
  t.notOk(said.has('leave node-3'), 'it belongs to the cluster all the while')
  t.strictSame(await stage.end(), [], 'no process is left')
})
