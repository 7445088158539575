/**
 * Two hubs in one process, linked by the `thread` transport, and then by TCP and TLS: the objects
 * and locks of the first are shared by the program and the threads of both. Routines are those of
 * the tests of handles.
 */
import t from 'tap'
import { askWithin, deadlineOf, type WaitOptions } from '../../lib/handles/wait.ts'
import { storedInlineBytesMax } from '../../lib/limits.ts'
import type { LinkEnd, LinkListener } from '../../lib/transport/contract.ts'
import { threadLink } from '../../lib/transport/thread.ts'
import type { Operation } from '../../lib/wire/messages.ts'
import {
  countUnderBlockingLock,
  embrace,
  endWithoutRelease,
  exitHolding,
  holdUntil,
  waitForLock,
} from '../handles/lock-routines.ts'
import { addMany, blockForEver, passOn, updateMany } from '../handles/sync-routines.ts'
import { tcpLink } from '../transport/tcp-stand.ts'
import { type StandClient, StandHub } from './hub-stand.ts'

interface Pair {
  readonly master: StandHub
  readonly other: StandHub
  /** Cuts the link as its loss would. */
  cut(): void
}

type Act = (pair: Pair) => Promise<void>

/** Over each transport, with hubs of its own. */
async function withPair(act: Act): Promise<void> {
  await withThreadPair(act)
  const { dialed, listened, release } = await tcpLink()
  try {
    await linked(dialed, listened, act)
  } finally {
    await release()
  }
}

function withThreadPair(act: Act): Promise<void> {
  const [near, far] = threadLink()
  return linked(near, far, act)
}

async function linked(near: LinkEnd, far: LinkEnd, act: Act): Promise<void> {
  let cut = (): void => {}
  const watched: LinkEnd = {
    open(listener: LinkListener) {
      const link = far.open(listener)
      cut = () => link.close()
      return link
    },
  }
  const master = new StandHub(1)
  const other = new StandHub(2)
  master.link(other, near)
  other.link(master, watched)
  try {
    await act({ master, other, cut: () => cut() })
  } finally {
    await Promise.all([other.close(), master.close()])
  }
}

const valueAt = async (at: StandClient, object: string, field: string): Promise<unknown> =>
  ((await at.ask('get', object, field, 0)) as unknown[])[1]

const until = (at: StandClient, field: string): Promise<unknown> =>
  at.ask('wait', 'signs', field, 0)

const wait = (at: StandClient, operation: Operation, options: WaitOptions): Promise<unknown> =>
  askWithin(at.node, 0, operation, deadlineOf(options), 'the wait')

t.test('programs and threads of both nodes share objects', async (t) => {
  await withPair(async ({ master, other }) => {
    const [a, b] = [master.program, other.program]
    await a.ask('set', 'sync-test', 'sum', 0, null)
    await Promise.all([
      a.run(addMany, 'sum', 100),
      b.run(addMany, 'sum', 100),
      a.run(updateMany, 'sum', 50),
      b.run(updateMany, 'sum', 50),
    ])
    t.equal(await valueAt(b, 'sync-test', 'sum'), 300)
    await a.ask('set', 'sync-test', 'chain', 0, null)
    const links = [3, 2, 1, 0].map((from) => (from % 2 ? a : b).run(passOn, 'chain', from))
    t.same(await Promise.all(links), [4, 3, 2, 1])
    await a.ask('init', 'once', [['x', 1]])
    await b.ask('init', 'once', [['x', 2]])
    t.equal(await valueAt(b, 'once', 'x'), 1)
  })
})

t.test('threads of both nodes contend for locks, first come, first served', async (t) => {
  await withPair(async ({ master, other }) => {
    const [a, b] = [master.program, other.program]
    await Promise.all([a, b, a, b].map((at) => at.run(countUnderBlockingLock, 'counter', 15)))
    t.equal(await valueAt(a, 'signs', 'counter'), 60)
    const first = (await b.ask('acquire', 'fifo')) as number
    const queue: Promise<number>[] = []
    for (const at of [a, b, a]) {
      const waiting = at.ask('acquire', 'fifo') as Promise<number>
      queue.push(
        waiting.then((token) => {
          at.client.tell(0, ['release', 'fifo', token])
          return token - first
        }),
      )
      // A later message of the same client is answered after the lock was asked for.
      await at.ask('keys', 'none')
    }
    b.client.tell(0, ['release', 'fifo', first])
    t.same(await Promise.all(queue), [1, 2, 3])
  })
})

t.test('a wait over a link can be given up before the master has said that it waits', async (t) => {
  await withPair(async ({ other }) => {
    const { program } = other
    await t.rejects(wait(program, ['wait', 'o', 'never', 0], { timeoutMs: 0 }), {
      code: 'ERR_GOAWAY_TIMEOUT',
    })
    const controller = new AbortController()
    const waiting = wait(program, ['wait', 'o', 'never', 0], { signal: controller.signal })
    controller.abort()
    await t.rejects(waiting, { code: 'ERR_GOAWAY_CANCELLED' })
    const token = (await program.ask('acquire', 'given-up')) as number
    await t.rejects(wait(program, ['acquire', 'given-up'], { timeoutMs: 0 }), {
      code: 'ERR_GOAWAY_TIMEOUT',
    })
    program.client.tell(0, ['release', 'given-up', token])
    t.ok((await program.ask('tryAcquire', 'given-up')) as number)
  })
})

t.test('routines of the other node wake, end and die as on the master', async (t) => {
  await withPair(async ({ master, other }) => {
    const [a, b] = [master.program, other.program]
    const blocked = b.run(blockForEver)
    await a.ask('wait', 'sync-test', 'blocking', 0)
    blocked.cancel(20_000)
    await t.rejects(blocked, { code: 'ERR_GOAWAY_CANCELLED' })
    t.ok(await valueAt(a, 'sync-test', 'woken'))

    const token = await b.run(endWithoutRelease, 'ended')
    t.ok(((await a.ask('acquire', 'ended')) as number) > token)
    const waiting = b.run(waitForLock, 'ended', true)
    await until(a, 'ended-waiting')
    waiting.cancel(20_000)
    await t.rejects(waiting, { code: 'ERR_GOAWAY_CANCELLED' })

    await t.rejects(b.run(exitHolding, 'exits'), { code: 'ERR_GOAWAY_THREAD_LOST' })
    t.ok(await a.ask('acquire', 'exits'))

    const outcomes = await Promise.all([
      a.run(embrace, 'embrace-a', 'embrace-b', true),
      b.run(embrace, 'embrace-b', 'embrace-a', true),
    ])
    t.same(outcomes.sort(), ['ERR_GOAWAY_DEADLOCK', 'granted'])
  })
})

t.test('when the link is lost, calls reject, and locks of the lost node pass on', async (t) => {
  await withPair(async ({ master, other, cut }) => {
    const [a, b] = [master.program, other.program]
    const lost = { code: 'ERR_GOAWAY_MASTER_LOST' }
    const ofProgram = (await b.ask('acquire', 'of-program')) as number
    const holding = b.run(holdUntil, 'of-routine', 'let-go')
    const ofRoutine = ((await until(a, 'of-routine-held')) as number[])[1] as number
    const inRoutine = b.run(waitForLock, 'of-program', true)
    await until(a, 'of-program-waiting')
    const waiting = [
      b.ask('wait', 'o', 'never', 0),
      b.ask('acquire', 'of-routine'),
      wait(b, ['wait', 'o', 'never', 0], { timeoutMs: 60_000 }),
    ]
    const grants = [a.ask('acquire', 'of-program'), a.ask('acquire', 'of-routine')]
    await a.ask('keys', 'none')
    // Listened to before, as they reject in one go.
    const refused = [inRoutine, holding, ...waiting].map((one) => t.rejects(one, lost))
    const mayHaveRun = t.rejects(waiting[0] as Promise<unknown>, {
      ...lost,
      maybeExecuted: true,
    })
    cut()
    await Promise.all([...refused, mayHaveRun])
    const [program, routine] = (await Promise.all(grants)) as [number, number]
    t.ok(program > ofProgram)
    t.ok(routine > ofRoutine)
    t.ok(program !== routine)
    await t.rejects(b.ask('get', 'o', 'x', 0), { ...lost, maybeExecuted: false })
    await t.rejects(b.ask('tryAcquire', 'of-program'), lost)
    await t.rejects(b.run(addMany, 'sum', 1), lost)
    await a.ask('set', 'o', 'x', 1, null)
    t.equal(await valueAt(a, 'o', 'x'), 1)
  })
})

t.test('a large value is the same memory in the hub and in its readers', async (t) => {
  await withThreadPair(async ({ master, other }) => {
    const value = new Uint8Array(new SharedArrayBuffer(storedInlineBytesMax * 2))
    await other.program.ask('set', 'large', 'x', value, null)
    const near = (await valueAt(master.program, 'large', 'x')) as Uint8Array
    const far = (await valueAt(other.program, 'large', 'x')) as Uint8Array
    value[1000] = 7
    t.same([near[1000], far[1000]], [7, 7])
  })
})

t.test('replicas of both nodes follow each other, with small values and large', async (t) => {
  await withPair(async ({ master, other }) => {
    for (const [at, to] of [
      [master, other],
      [other, master],
    ] as const) {
      const peer = at.hub.peers.get(to.member.place)
      if (peer === undefined) throw new Error('The two hubs are linked')
      // What the membership would tell them.
      at.hub.peers.view(1, [1, 2])
      at.hub.peers.joined(peer, to.member)
      at.hub.turn()
    }
    const [a, b] = [master.program, other.program]
    const large = new Uint8Array(new SharedArrayBuffer(storedInlineBytesMax + 1)).fill(7)
    for (const store of ['lin-fast-read', 'weak', 'weak-causal'] as const) {
      for (const value of [1, large, 2]) await a.ask(store, ['set', 'o', 'x', value, null])
      await b.ask(store, ['set', 'o', 'y', large, null])
      if (store !== 'lin-fast-read') await Promise.all([a, b].map((at) => at.ask(store, ['sync'])))
      for (const at of [a, b]) {
        const rows = (await at.ask(store, ['entries', 'o'])) as [string, number, unknown][]
        const values = new Map(rows.map(([name, , value]) => [name, value]))
        t.equal(values.get('x'), 2, store)
        t.same(new Uint8Array(values.get('y') as Uint8Array), new Uint8Array(large), store)
      }
    }
    const token = await b.ask('update-on-release', ['acquire', 'o'])
    await b.ask('update-on-release', ['release', 'o', token, [['x', large]], true, null])
    const [, value] = (await a.ask('update-on-release', ['get', 'o', 'x', 0])) as [
      number,
      Uint8Array,
    ]
    t.same(new Uint8Array(value), new Uint8Array(large), 'update-on-release')
  })
})
