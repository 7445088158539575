import { once } from 'node:events'
import t, { type Test } from 'tap'
import type { NodeStart } from '../../lib/deploy/node-start.ts'
import { eventLine, Supervisor, type SupervisorEvent } from '../../lib/deploy/supervisor.ts'
import { isGoawayError } from '../../lib/errors.ts'
import { nodeStopMs, restartMsMin, startFailuresMax } from '../../lib/limits.ts'
import { isAlive, occupy, secret, standIn, startOf, visit } from './stand-in.ts'

type Listening = Extract<SupervisorEvent, { type: 'listening' }>

/** A supervisor whose events can be awaited one by one. */
function supervised(t: Test, more: Partial<NodeStart> = {}) {
  const events: SupervisorEvent[] = []
  let wake = (): void => {}
  let read = 0
  const supervisor = new Supervisor({
    start: startOf(t.testdir(), more),
    name: 'one',
    program: standIn,
    tell: (event) => {
      events.push(event)
      wake()
    },
  })
  const running = supervisor.run()
  running.catch(() => {})
  t.teardown(async () => {
    supervisor.stop()
    await running.catch(() => {})
  })
  const next = async (): Promise<SupervisorEvent> => {
    while (events.length === read) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    return events[read++] as SupervisorEvent
  }
  const listening = async (): Promise<Listening> => {
    const event = await next()
    t.equal(event.type, 'listening')
    return event as Listening
  }
  return { supervisor, running, next, listening }
}

t.test('A supervisor starts a fresh process when an application is over', async (t) => {
  const { next, listening, supervisor, running } = supervised(t)
  const first = await listening()
  const { order } = await visit(first.port)
  await order('claim sums by me')
  t.match(await next(), { type: 'claimed', title: 'sums by me' })
  await order('exit 0')
  t.match(await next(), { type: 'over', title: 'sums by me' })
  const second = await listening()
  t.equal(second.port, first.port, 'on the same port')
  t.not(second.pid, first.pid)
  supervisor.stop()
  await running
  t.notOk(isAlive(second.pid))
})

t.test('A supervisor pauses after a crash, longer each time, and says why', async (t) => {
  const { next, listening } = supervised(t)
  const whys: unknown[] = []
  for (const end of ['exit 3', 'kill']) {
    const { port } = await listening()
    await (await visit(port)).order(end)
    whys.push(await next())
  }
  t.same(whys, [
    { type: 'crashed', why: 'ended with exit code 3', restartMs: restartMsMin },
    { type: 'crashed', why: 'was killed by SIGKILL', restartMs: restartMsMin * 2 },
  ])
  await listening()
})

t.test('A supervisor gives up when its port is taken, and says so', async (t) => {
  const { port, server } = await occupy()
  t.teardown(() => server.close())
  const { running, next } = supervised(t, { listen: { host: '127.0.0.1', port } })
  const error = await running.then(
    () => undefined,
    (error: unknown) => error,
  )
  t.ok(isGoawayError(error, 'ERR_GOAWAY_LAUNCH'))
  const where = `127\\.0\\.0\\.1:${port}, tried ${startFailuresMax} times: `
  t.match((error as Error).message, new RegExp(`${where}.*EADDRINUSE`))
  t.match(await next(), { type: 'crashed', why: /EADDRINUSE/ })
})

t.test('A supervisor waits for a port that is free a moment later', async (t) => {
  const { port, server } = await occupy()
  const { next, listening } = supervised(t, { listen: { host: '127.0.0.1', port } })
  t.match(await next(), { type: 'crashed', why: /EADDRINUSE/ })
  server.close()
  await once(server, 'close')
  t.equal((await listening()).port, port)
})

t.test('A supervisor gives up on a node that fails before it listens', async (t) => {
  const { running } = supervised(t, { labels: ['fails'] })
  await t.rejects(running, { code: 'ERR_GOAWAY_LAUNCH', message: /told to fail/ })
})

t.test('A supervisor ends with a node that is told to stop', async (t) => {
  const { running, listening } = supervised(t)
  const { port, pid } = await listening()
  await (await visit(port)).order('stop')
  await running
  t.notOk(isAlive(pid))
})

t.test('A supervisor that is stopped while it pauses ends at once', async (t) => {
  const { running, listening, next, supervisor } = supervised(t)
  for (let crash = 0; crash < 4; crash++) {
    await (await visit((await listening()).port)).order('exit 1')
    await next()
  }
  supervisor.stop()
  await running
})

t.test('stop() called again does not wait for a process that does not end', async (t) => {
  const { running, listening, supervisor } = supervised(t, { labels: ['deaf'] })
  const { pid } = await listening()
  const began = performance.now()
  supervisor.stop()
  supervisor.stop()
  await running
  t.ok(performance.now() - began < nodeStopMs)
  t.notOk(isAlive(pid))
})

t.test('stop() kills a process that does not end in its time', async (t) => {
  const { running, listening, supervisor } = supervised(t, { labels: ['deaf'] })
  const { pid } = await listening()
  supervisor.stop()
  await running
  t.notOk(isAlive(pid))
})

t.test('A node process is told the secret, and only by message', async (t) => {
  process.env.GOAWAY_SECRET = 'a secret that no child may see'
  t.teardown(() => {
    delete process.env.GOAWAY_SECRET
  })
  const { listening } = supervised(t)
  const { port } = await listening()
  const { seen } = await visit(port)
  const { start, env, argv } = seen as { start: NodeStart; env: object; argv: string[] }
  const { credentials } = start as unknown as { credentials: { secret: object } }
  t.same(Object.values(credentials.secret), [...secret])
  t.notOk('GOAWAY_SECRET' in env)
  t.equal(argv.length, 2)
})

t.test('Events are lines for a person', async (t) => {
  const at = { type: 'listening', incarnation: 'x', pid: 1, port: 9060 } as const
  t.equal(
    eventLine({ ...at, name: 'a', host: '127.0.0.1' }),
    'goaway node a listens on 127.0.0.1:9060',
  )
  t.equal(eventLine({ ...at, name: 'b', host: '::1' }), 'goaway node b listens on [::1]:9060')
  t.equal(
    eventLine({ type: 'over', title: 'sums', lastedMs: 2_340 }),
    'application is over after 2.3 s: sums',
  )
})
