/** Sockets that are cut at random under load: nothing is lost, twice, or out of order. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { storedInlineBytesMax } from '../../lib/limits.ts'
import type { Link, LinkEnd, LinkListener } from '../../lib/transport/contract.ts'
import type { LinkMessage } from '../../lib/wire/messages.ts'
import { randomOf } from '../hub/random.ts'
import { call, type Host, host, makeHello } from './tcp-stand.ts'

/** What lies between two processes, and can fail. */
class Network {
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  /** New connections are refused. */
  down = false
  opened = (): void => {}
  cuts = 0
  #slow: NodeJS.Timeout | undefined

  constructor(target: () => number) {
    this.#server = createServer({ noDelay: true }, (near) => {
      if (this.down) {
        near.destroy()
        return
      }
      this.opened()
      const far = connect({ port: target(), host: '127.0.0.1', noDelay: true })
      const pair = [near, far] as const
      this.#pairs.add(pair)
      for (const [from, to] of [pair, [far, near] as const]) {
        from.on('error', () => {})
        from.on('close', () => {
          to.destroy()
          this.#pairs.delete(pair)
        })
        from.pipe(to)
      }
    })
  }

  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as { port: number }).port
  }

  /** Not by `resetAndDestroy`: Node 20 then spins when the process ends. */
  cut(): void {
    this.cuts++
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
  }

  /** Nothing passes any more, and nobody is told. */
  freeze(): void {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far)
      far.unpipe(near)
      for (const socket of [near, far]) socket.pause()
    }
  }

  /** So many bytes pass in a millisecond, on each way, however seldom this thread looks. */
  slow(bytesPerMs: number): void {
    this.freeze()
    let before = performance.now()
    this.#slow = setInterval(() => {
      const now = performance.now()
      const bytes = Math.ceil((now - before) * bytesPerMs)
      before = now
      for (const [near, far] of this.#pairs) {
        for (const [from, to] of [[near, far] as const, [far, near] as const]) {
          const chunk: Buffer | null = from.read(bytes) ?? from.read()
          if (chunk !== null && to.writable) to.write(chunk)
        }
      }
    }, 50)
  }

  close(): void {
    clearInterval(this.#slow)
    this.cut()
    this.#server.close()
  }
}

/** Sends numbered messages in three lanes, and counts what it hears in each. */
class Player implements LinkListener {
  readonly link: Link
  readonly heard = new Map<unknown, number>()
  readonly faults: string[] = []
  readonly endings: (Error | undefined)[] = []
  readonly #random: () => number
  readonly #sent = new Map<number, number>()
  total = 0
  #look = (): void => {}

  constructor(end: LinkEnd, seed: number) {
    this.#random = randomOf(seed)
    this.link = end.open(this)
  }

  received(messages: readonly LinkMessage[]): void {
    for (const message of messages) {
      const [, lane, number, answer] = message as unknown as [string, number, number, unknown]
      const expected = this.heard.get(lane) ?? 0
      if (number !== expected) this.faults.push(`lane ${lane}: ${number} instead of ${expected}`)
      this.heard.set(lane, expected + 1)
      const value = Array.isArray(answer) ? (answer[1] as Uint8Array) : undefined
      if (value && (value[0] !== number % 256 || value.at(-1) !== number % 256)) {
        this.faults.push(`lane ${lane}: value of ${number}`)
      }
    }
    this.total += messages.length
    this.#look()
  }

  closed(error?: Error): void {
    this.endings.push(error)
    this.#look()
  }

  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (holds() || this.endings.length > 0) resolve()
      }
      this.#look()
    })
  }

  send(): void {
    const random = this.#random
    const lane = 1 + Math.floor(random() * 3)
    const number = this.#sent.get(lane) ?? 0
    this.#sent.set(lane, number + 1)
    if (random() < 0.01) {
      const bytes = storedInlineBytesMax + 1 + Math.floor(random() * 2_000_000)
      const value = new Uint8Array(new SharedArrayBuffer(bytes)).fill(number)
      this.link.send(['reply', lane, number, [1, value]])
    } else this.link.send(['reply', lane, number, null])
    if (random() < 0.2) this.link.flush()
  }
}

async function closeBoth(a: Player, b: Player): Promise<void> {
  a.link.close()
  await Promise.all([a.until(() => false), b.until(() => false)])
}

async function play(t: Test, seed: number): Promise<void> {
  const random = randomOf(seed)
  // Time does not matter here, however busy the machine is.
  const listener = await host({ graceMs: () => 60_000 })
  const network = new Network(() => listener.port)
  const { end } = await call(await network.open(), { graceMs: 60_000 })
  const a = new Player(end, seed * 2)
  const b = new Player(listener.linked[0]?.end as LinkEnd, seed * 2 + 1)
  const count = 3000
  for (let sent = 0; sent < count; sent++) {
    a.send()
    b.send()
    if (random() < 0.01) network.cut()
    if (random() < 0.1) await new Promise(setImmediate)
  }
  a.link.flush()
  b.link.flush()
  // And while nothing new is sent.
  for (let cuts = 0; cuts < 3; cuts++) {
    await Promise.race([a.until(() => a.total > count / 2), b.until(() => b.total > count / 2)])
    network.cut()
  }
  await Promise.all([a.until(() => a.total >= count), b.until(() => b.total >= count)])
  await closeBoth(a, b)
  t.same([a.total, b.total, a.faults, b.faults], [count, count, [], []], `seed ${seed}`)
  t.same([a.endings, b.endings], [[undefined], [undefined]])
  t.equal(listener.linked.length, 1, 'a link that resumes is no new one')
  t.ok(network.cuts > 10, `${network.cuts} cuts`)
  network.close()
  await listener.close()
}

t.test('sockets are cut at random under load, and nothing is lost', async (t) => {
  for (const seed of [1, 2, 3]) await play(t, seed)
})

async function linked(changes: Parameters<typeof host>[0] = {}): Promise<{
  listener: Host
  network: Network
  a: Player
  b: Player
}> {
  const listener = await host(changes)
  const network = new Network(() => listener.port)
  const { end } = await call(await network.open(), { graceMs: changes.graceMs?.() ?? 2000 })
  const b = new Player(listener.linked[0]?.end as LinkEnd, 2)
  return { listener, network, a: new Player(end, 1), b }
}

t.test(
  'a network that is frozen is noticed, and the link goes on over another connection',
  async (t) => {
    const { listener, network, a, b } = await linked({ graceMs: () => 60_000 })
    network.freeze()
    a.link.send(['reply', 1, 0, null])
    a.link.flush()
    await b.until(() => b.total === 1)
    t.equal(b.total, 1)
    await closeBoth(a, b)
    network.close()
    await listener.close()
  },
)

t.test('a network so slow that one piece takes seconds is not taken for dead', async (t) => {
  const { listener, network, a, b } = await linked({ graceMs: () => 60_000 })
  let attempts = 0
  network.opened = () => attempts++
  network.slow(80)
  const value = new Uint8Array(new SharedArrayBuffer(140_000)).fill(0)
  a.link.send(['reply', 1, 0, [1, value]])
  a.link.flush()
  const start = performance.now()
  await b.until(() => b.total === 1)
  t.ok(performance.now() - start > 1000, 'longer than a link waits for a sign of life')
  t.equal(attempts, 0, 'over the one connection')
  await closeBoth(a, b)
  network.close()
  await listener.close()
})

t.test('a network that stays down ends the link on both sides', async (t) => {
  const { listener, network, a, b } = await linked({ graceMs: () => 300 })
  network.down = true
  network.cut()
  await Promise.all([a.until(() => false), b.until(() => false)])
  t.match(
    [a.endings, b.endings],
    [[{ code: 'ERR_GOAWAY_LINK_LOST' }], [{ code: 'ERR_GOAWAY_LINK_LOST' }]],
  )
  network.close()
  await listener.close()
})

t.test('another life of the process, or one that gave up the link, ends it at once', async (t) => {
  for (const [incarnation, code] of [
    ['second', 'ERR_GOAWAY_NODE_LOST'],
    ['first', 'ERR_GOAWAY_LINK_LOST'],
  ] as const) {
    const next = await host({ hello: () => makeHello({ incarnation }) })
    const listener = await host({ graceMs: () => 300 })
    let port = listener.port
    const network = new Network(() => port)
    const { end } = await call(await network.open(), { graceMs: 60_000 })
    const a = new Player(end, 1)
    const b = new Player(listener.linked[0]?.end as LinkEnd, 2)
    port = next.port
    network.cut()
    await a.until(() => false)
    t.match(a.endings, [{ code }])
    await b.until(() => false)
    t.same(next.linked, [])
    network.close()
    await listener.close()
    await next.close()
  }
})
