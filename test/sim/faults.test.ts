/** Each fault does what it says to a cluster of real hubs. */
import t from 'tap'
import { World } from '../../lib/testing.ts'
import type { Answer } from '../../lib/wire/messages.ts'

async function withWorld(act: (world: World) => Promise<void>): Promise<void> {
  const world = new World({ seed: 7, nodes: 3 })
  try {
    await world.run(1_000)
    await act(world)
  } finally {
    world.close()
  }
}

/** A write by the node of that name to the object that node-1 serves. */
function writeBy(world: World, name: string, value: number): Promise<Answer> {
  return world.node(name).ask(['set', 'o', 'x', value, null])
}

t.test('A node that crashes is lost, and takes part in a new place when it is back', async (t) => {
  await withWorld(async (world) => {
    world.crash('node-2')
    await world.run(10_000)
    t.same(world.members, ['spawner', 'node-1', 'node-3'])
    world.restart('node-2')
    await world.run(15_000)
    t.same(world.members, ['spawner', 'node-1', 'node-3', 'node-2'])
    t.equal(world.node('node-2').place, 4)
    t.equal(await world.settle(writeBy(world, 'node-2', 1)), 1)
  })
})

t.test('What a crashed master served is lost for ever', async (t) => {
  await withWorld(async (world) => {
    const waiting = world.node('node-3').ask(['wait', 'o', 'x', 0])
    const refused = t.rejects(waiting, { code: 'ERR_GOAWAY_MASTER_LOST', maybeExecuted: true })
    await world.run(100)
    world.crash('node-1')
    await world.settle(refused)
    world.restart('node-1')
    await world.run(15_000)
    await world.settle(t.rejects(writeBy(world, 'node-2', 1), { code: 'ERR_GOAWAY_MASTER_LOST' }))
  })
})

t.test('A link that breaks comes back, and nothing is lost or doubled', async (t) => {
  await withWorld(async (world) => {
    const client = world.node('node-2').client()
    const adds = Array.from({ length: 50 }, async (_, at) => {
      await world.sleep(at)
      return client.askAsync(0, ['add', 'o', 'sum', 1, null])
    })
    for (const at of [10, 15, 30]) {
      world.at(world.now + at, () => world.breakLinks('node-1', 'node-2'))
    }
    await world.settle(Promise.all(adds))
    t.same(await world.settle(client.askAsync(0, ['get', 'o', 'sum', 0])), [50, 50])
    t.equal(world.members.length, 4)
  })
})

t.test('A short partition is only a delay', async (t) => {
  await withWorld(async (world) => {
    const mend = world.partition(['node-2'], ['spawner', 'node-1', 'node-3'])
    const before = world.now
    const written = writeBy(world, 'node-2', 1)
    world.at(before + 1_500, mend)
    t.equal(await world.settle(written), 1)
    t.ok(world.now >= before + 1_500)
    t.equal(world.members.length, 4)
  })
})

for (const oneWay of [false, true]) {
  const how = oneWay ? 'in one direction' : 'in both directions'
  t.test(`A node that is cut off ${how} gives up, and comes back later`, async (t) => {
    await withWorld(async (world) => {
      const mend = world.cut(['node-2'], ['spawner', 'node-1', 'node-3'], oneWay)
      await world.run(10_000)
      t.same(world.members, ['spawner', 'node-1', 'node-3'])
      t.ok(world.node('node-2').isDead, 'its lease is over')
      mend()
      await world.run(15_000)
      t.same(world.members, ['spawner', 'node-1', 'node-3', 'node-2'])
    })
  })
}

t.test('Of two nodes that do not reach each other one goes', async (t) => {
  await withWorld(async (world) => {
    const mend = world.cut(['node-2'], ['node-3'])
    await world.run(10_000)
    t.equal(world.members.length, 3)
    mend()
    await world.run(15_000)
    t.equal(world.members.length, 4)
  })
})

t.test('A paused node does nothing, and does not notice unless it is too long', async (t) => {
  await withWorld(async (world) => {
    world.pause('node-1')
    const written = writeBy(world, 'node-2', 1)
    await world.run(1_000)
    world.resume('node-1')
    t.equal(await world.settle(written), 1)
    t.equal(world.members.length, 4)
    world.pause('node-3')
    await world.run(10_000)
    t.equal(world.members.length, 3)
    t.notOk(world.node('node-3').isDead)
    world.resume('node-3')
    await world.run(100)
    t.ok(world.node('node-3').isDead, 'its lease was over when it woke up')
  })
})

t.test('A paused spawner is waited for', async (t) => {
  await withWorld(async (world) => {
    world.pause('spawner')
    await world.run(2_000)
    world.resume('spawner')
    await world.run(5_000)
    t.equal(world.members.length, 4)
  })
})

t.test('Clocks drift, and one that jumps is not trusted', async (t) => {
  await withWorld(async (world) => {
    const { clock } = world.node('node-2')
    world.drift('node-2', 1.009)
    const before = clock.now()
    await world.run(10_000)
    t.equal(Math.round(clock.now() - before), 10_090)
    t.equal(world.members.length, 4)
    world.setWall('node-2', 10_000)
    await world.run(1_000)
    t.ok(world.node('node-2').isDead)
  })
})

t.test('Messages take longer where the network is slow', async (t) => {
  await withWorld(async (world) => {
    const undo = world.slow(20)
    const before = world.now
    await world.settle(writeBy(world, 'node-2', 1))
    t.ok(world.now - before > 4)
    undo()
    t.equal(world.network.slowness, 1)
  })
})
