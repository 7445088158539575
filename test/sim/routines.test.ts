/** Routines, handles and errors of the promise API in a simulation. */
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import t from 'tap'
import { context, goaway, init, Lock, StrictCentralized, shutdown } from '../../lib/index.ts'
import * as sync from '../../lib/sync.ts'
import { simulate, type World } from '../../lib/testing.ts'

type Program = (world: World) => unknown
const inWorld = (program: Program, options = {}) => simulate({ seed: 11, ...options }, program)

t.test('A routine may be any function, and its arguments are copied', async (t) => {
  await inWorld(async () => {
    const factor = 3
    const given = { list: [1, 2] }
    const routine = goaway((argument: typeof given) => {
      argument.list.push(factor)
      return argument
    }, given)
    t.same(await routine, { list: [1, 2, 3] })
    t.same(given, { list: [1, 2] })
    await t.rejects(
      goaway(() => () => 1),
      { code: 'ERR_GOAWAY_VALUE' },
    )
    await t.rejects(goaway(3 as unknown as () => void), TypeError)
  })
})

t.test('A routine knows where it runs, and runs where it is to', async (t) => {
  await inWorld(
    async () => {
      const where = () => context().node
      t.equal(await goaway.with({ on: 'node-2' })(where), 'node-2')
      t.equal(await goaway.with({ on: 'big' })(where), 'node-3')
      t.equal(await goaway.with({ on: 'local' })(where), 'spawner')
      t.equal(
        await goaway.with({ on: 'node-1' })(async () => goaway.with({ on: 'local' })(where)),
        'node-1',
      )
      t.equal(context().node, 'spawner')
    },
    { nodes: [[], [], ['big']] },
  )
})

t.test('What a routine throws, and large values, arrive as from another machine', async (t) => {
  await inWorld(async () => {
    const failing = goaway(() => {
      throw Object.assign(new RangeError('too far'), { limit: 3 })
    })
    await t.rejects(failing, { name: 'RangeError', message: 'too far', limit: 3 })
    const bytes = await goaway((size: number) => new Uint8Array(size).fill(7), 300_000)
    t.same([bytes.length, bytes[299_999]], [300_000, 7])
    const s = StrictCentralized<{ bytes: Uint8Array }>('large')
    await s.set('bytes', bytes)
    t.equal((await goaway(() => s.get('bytes'))).length, 300_000)
  })
})

t.test('Values of a generator come one by one', async (t) => {
  await inWorld(async () => {
    async function* count(to: number) {
      for (let at = 0; at < to; at++) yield at
    }
    const seen: number[] = []
    for await (const value of goaway(count, 40)) seen.push(value)
    t.same(seen, [...Array(40).keys()])
  })
})

t.test('Cancel, timeouts and retries act by virtual time', async (t) => {
  const began = performance.now()
  await inWorld(async (world) => {
    const start = world.now
    const stubborn = goaway(() => pause(3_600_000))
    world.at(world.now + 100, () => stubborn.cancel())
    await t.rejects(stubborn, { code: 'ERR_GOAWAY_CANCELLED' })
    const slow = goaway.with({ timeoutMs: 60_000, graceMs: 0 })(() => pause(3_600_000))
    await t.rejects(slow, { code: 'ERR_GOAWAY_TIMEOUT' })
    t.ok(world.now - start > 60_000)
    const lock = Lock('taken')
    await goaway(async () => void (await lock.acquire()))
    const kind = goaway(async () => {
      while (!context().cancelled) await pause(10)
      return 'never told'
    })
    world.at(world.now + 100, () => kind.cancel())
    await t.rejects(kind, { code: 'ERR_GOAWAY_CANCELLED' })
    const held = await lock.acquire()
    await t.rejects(
      goaway(() => lock.acquire({ timeoutMs: 5_000 })),
      { code: 'ERR_GOAWAY_TIMEOUT' },
    )
    held.release()
  })
  t.ok(performance.now() - began < 20_000)
})

t.test('A node that crashes rejects its routines, or they run again', async (t) => {
  await inWorld(async (world) => {
    const attempts: number[] = []
    const work = async (ms: number) => {
      attempts.push(context().attempt)
      await pause(ms)
      return context().node
    }
    const lost = goaway.with({ on: 'node-2' })(work, 1_000)
    const again = goaway.with({ retries: 1, idempotent: true })(async () => {
      if (context().attempt === 1) world.crash(context().node)
      return work(100)
    })
    world.at(world.now + 500, () => world.crash('node-2'))
    await t.rejects(lost, { code: 'ERR_GOAWAY_NODE_LOST', maybeExecuted: true })
    t.type(await again, 'string')
    t.same(attempts, [1, 1, 2])
  })
})

t.test('Time and chance are those of the simulation', async (t) => {
  const draw = async (): Promise<unknown[]> => {
    const seen: unknown[] = []
    await inWorld(async () => {
      const before = [Date.now(), performance.now()] as const
      await new Promise((resolve) => setTimeout(resolve, 60_000))
      seen.push(Math.random(), new Date().toISOString(), Date.now() - before[0])
      t.equal(Math.round(performance.now() - before[1]), 60_000)
      t.ok(new Date() instanceof Date)
      let ticks = 0
      await new Promise<void>((resolve) => {
        const timer = setInterval(() => {
          if (++ticks < 5) return
          clearInterval(timer)
          resolve()
        }, 1_000)
      })
      setTimeout(() => t.fail('it was cleared'), 10).close()
      seen.push(await goaway(() => Math.random()))
      await promisify(setTimeout)(10)
      const stop = AbortSignal.abort(new Error('enough'))
      await t.rejects(pause(10, undefined, { signal: stop }), { message: 'enough' })
    })
    return seen
  }
  t.same(await draw(), await draw())
  t.match(new Date().toISOString(), /^20/)
})

t.test('What cannot be in a simulation says so', async (t) => {
  await inWorld(async () => {
    const blocking = sync.StrictCentralized<{ x: number }>('s')
    t.throws(() => blocking.x, { code: 'ERR_GOAWAY_DEADLOCK', message: /goaway\/sync/ })
    t.throws(() => sync.Lock('l').acquire(), { code: 'ERR_GOAWAY_DEADLOCK' })
    await t.rejects(init(), { code: 'ERR_GOAWAY_CONFIG' })
    await t.rejects(shutdown(), { code: 'ERR_GOAWAY_CONFIG' })
  })
  await t.rejects(
    inWorld(() => {}, { nodes: 0 }),
    { code: 'ERR_GOAWAY_CONFIG' },
  )
})

t.test('A program that waits in vain is told what for', async (t) => {
  const s = StrictCentralized<{ go: number }>('never')
  const waiting = inWorld(async () => {
    await goaway.with({ name: 'sleeper' })(() => s.waitFor('go'))
  })
  await t.rejects(waiting, {
    seed: 11,
    message: /GOAWAY_SEED=11[\s\S]* will never come[\s\S]*sleeper[\s\S]*wait\('never', 'go'\)/,
  })
  await t.rejects(
    inWorld(() => new Promise(() => {})),
    { message: /no call of goaway is pending/ },
  )
})

t.test('One handle serves several threads, and several simulations', async (t) => {
  const s = StrictCentralized('shared', { list: [1] as readonly number[] })
  const read = () => s.get('list')
  for (const last of [2, 3]) {
    await inWorld(async () => {
      t.same(await Promise.all([read(), goaway(read), goaway(read)]), [[1], [1], [1]])
      await goaway(() => s.set('list', [1, last]))
      t.same(await Promise.all([read(), goaway(read)]), [
        [1, last],
        [1, last],
      ])
    })
  }
})

t.test('A failing list of faults is shortened to those it takes', async (t) => {
  const s = StrictCentralized<{ x: number }>('s')
  const faults = [
    { atMs: 10, kind: 'break', between: ['node-1', 'node-2'] },
    { atMs: 20, kind: 'crash', node: 'node-1', forMs: 100 },
    { atMs: 30, kind: 'pause', node: 'node-3', forMs: 50 },
  ] as const
  const failing = inWorld(
    async (world) => {
      await world.sleep(5_000)
      await s.set('x', 1)
    },
    { faults, minimises: true },
  )
  await t.rejects(failing, {
    faults: [{ kind: 'crash' }],
    cause: { code: 'ERR_GOAWAY_MASTER_LOST' },
  })
})
