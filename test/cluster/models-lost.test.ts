/** What an object of each model says when a node is killed, at real processes. */
import t, { type Test } from 'tap'
import { times } from './counting.ts'
import { said } from './kept.ts'
import { kill, Stage } from './stage.ts'

async function lose(t: Test, victim: string): Promise<Map<string, Record<string, unknown>>> {
  const stage = new Stage(t)
  const cluster = { nodes: 3, launch: 'local', threads: 1, ...times }
  const program = stage.program('models-lost', { cluster, victim, other: 'node-3' })
  const { nodes } = await program.line('nodes')
  kill(nodes.find(({ name }: { name: string }) => name === victim).pid, 'SIGKILL')
  const { code, stdout, stderr } = await program.ended
  t.equal(stderr, '')
  t.equal(code, 0)
  return said(stdout)
}

const all = (x: number) => ({ strict: x, fast: x, weak: x, release: x })
const done = { strict: 'done', fast: 'done', weak: 'done', release: 'done', lock: 'done' }

t.test('The loss of a node that serves nothing is felt by no object', async (t) => {
  const told = await lose(t, 'node-2')
  t.match(told.get('written'), done)
  for (const where of ['read here', 'read there', 'left here', 'left there']) {
    t.match(told.get(where), all(1), where)
  }
  t.match(told.get('written there'), done)
  t.match(told.get('seen here'), all(2))
  t.match(told.get('written here'), done)
  t.match(told.get('seen there'), all(3))
})

t.test('The loss of the master takes what it serves, and what has copies lives on', async (t) => {
  const told = await lose(t, 'node-1')
  t.match(told.get('written'), done)
  t.match(told.get('read there'), all(1))
  const lost = 'ERR_GOAWAY_MASTER_LOST node-1'
  for (const where of ['left here', 'left there']) {
    const left = { strict: lost, fast: 1, weak: 1, release: 1 }
    t.match(told.get(where), left, `${where}: the last release is read, by its copy`)
  }
  const survives = { strict: lost, fast: 'done', weak: 'done', release: lost, lock: lost }
  t.match(told.get('written there'), survives)
  t.match(told.get('seen here'), { strict: lost, fast: 2, weak: 2, release: 1 })
  t.match(told.get('written here'), survives)
  t.match(told.get('seen there'), { strict: lost, fast: 3, weak: 3, release: 1 })
})
