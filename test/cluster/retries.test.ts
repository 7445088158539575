/** What ran on a node that died runs again elsewhere, if it may. */
import t from 'tap'
import { jsonLines } from '../run-program.ts'
import { times } from './counting.ts'
import { kill, Stage } from './stage.ts'

t.test('A routine that may run twice runs again elsewhere when its node dies', async (t) => {
  const stage = new Stage(t)
  const mortal = { labels: ['mortal'], threads: 1 }
  const nodes = [{ threads: 1 }, mortal, mortal]
  const program = stage.program('again', { nodes, launch: 'local', threads: 1, ...times })
  const started = await program.line('started')
  const { node } = started
  t.match(node, /^node-[23]$/)
  kill(started.nodes.find(({ name }: { name: string }) => name === node).pid, 'SIGKILL')
  const { code, stdout, timedOut } = await program.ended
  t.equal(timedOut, false)
  t.equal(code, 0)
  const said = new Map(jsonLines(stdout).map((line) => [line.what, line]))
  const other = node === 'node-2' ? 'node-3' : 'node-2'
  t.strictSame(said.get('twice').value, { node: other, attempt: 2 })
  const lost = { code: 'ERR_GOAWAY_NODE_LOST', maybeExecuted: true, node, attempt: 1 }
  t.match(said.get('once'), lost, 'one that may not run twice is lost')
  t.strictSame(await stage.end(), [], 'no process is left')
})
