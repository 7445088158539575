/** A simulated cluster of real hubs works, and is the same for the same seed. */
import t from 'tap'
import { World } from '../../lib/sim/world.ts'

t.test('Objects and locks are shared by all nodes', async (t) => {
  const world = new World({ seed: 1, nodes: 3 })
  await world.run(1_000)
  t.same(world.members, ['spawner', 'node-1', 'node-2', 'node-3'])
  const [a, b] = [world.node(1).client(), world.node(2).client()]
  t.same(await world.settle(b.askAsync(0, ['add', 'o', 'x', 1, null])), [true, 1, 1])
  t.same(await world.settle(a.askAsync(0, ['get', 'o', 'x', 0])), [1, 1])
  const token = await world.settle(a.askAsync(0, ['acquire', 'l']))
  const other = b.askAsync(0, ['acquire', 'l'])
  await world.run(100)
  a.tell(0, ['release', 'l', token as number])
  t.ok(((await world.settle(other)) as number) > (token as number))
  world.close()
})
