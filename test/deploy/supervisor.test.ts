import { once } from 'node:events'
import t, { type Test } from 'tap'
import type { NodeStart } from '../../lib/deploy/node-start.ts'
import { eventLine, Supervisor, type SupervisorEvent } from '../../lib/deploy/supervisor.ts'
import { isGoawayError } from '../../lib/errors.ts'
import { nodeStopMs, restartMsMin, startFailuresMax } from '../../lib/limits.ts'
import {
  freePort,
  holdTimers,
  isAlive,
  occupy,
  ownHost,
  secret,
  standIn,
  startOf,
  type Visit,
  visit,
} from './stand-in.ts'

type Listening = Extract<SupervisorEvent, { type: 'listening' }>

/** A supervisor whose events can be awaited one by one. */
function supervised(t: Test, more: Partial<NodeStart> = {}) {
  const events: SupervisorEvent[] = []
  let wake = (): void => {}
  let read = 0
  const supervisor = new Supervisor({
    start: startOf(t.testdir(), { listen: { host: ownHost(), port: 0 }, ...more }),
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
  const visited = async (): Promise<Visit> => {
    const { port, host } = await listening()
    return visit(port, host)
  }
  return { supervisor, running, next, listening, visited }
}

t.test('A supervisor starts a fresh process when an application is over', async (t) => {
  const { next, listening, supervisor, running } = supervised(t)
  const first = await listening()
  const { order } = await visit(first.port, first.host)
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
  const { next, listening, visited } = supervised(t)
  const whys: unknown[] = []
  for (const end of ['exit 3', 'kill']) {
    await (await visited()).order(end)
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
  const { port, server } = await occupy(await freePort())
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
  const { port, pid, host } = await listening()
  await (await visit(port, host)).order('stop')
  await running
  t.notOk(isAlive(pid))
})

t.test('A supervisor that is stopped while it pauses ends at once', async (t) => {
  const { running, visited, next, supervisor } = supervised(t)
  const { order } = await visited()
  holdTimers(t)
  await order('exit 1')
  t.match(await next(), { type: 'crashed' })
  supervisor.stop()
  await running
})

t.test('stop() called again does not wait for a process that does not end', async (t) => {
  const { running, listening, supervisor } = supervised(t, { labels: ['deaf'] })
  const { pid } = await listening()
  const pass = holdTimers(t)
  supervisor.stop()
  supervisor.stop()
  await running
  t.notOk(isAlive(pid))
  t.equal(pass(nodeStopMs), 1, 'that time was not over')
})

t.test('stop() kills a process that does not end in its time', async (t) => {
  const { running, listening, supervisor } = supervised(t, { labels: ['deaf'] })
  const { pid, host, port } = await listening()
  const pass = holdTimers(t)
  supervisor.stop()
  await visit(port, host)
  t.ok(isAlive(pid))
  t.equal(pass(nodeStopMs), 1)
  await running
  t.notOk(isAlive(pid))
})

t.test('A node process is told the secret, and only by message', async (t) => {
  process.env.GOAWAY_SECRET = 'a secret that no child may see'
  t.teardown(() => {
    delete process.env.GOAWAY_SECRET
  })
  const { visited } = supervised(t)
  const { seen } = await visited()
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
