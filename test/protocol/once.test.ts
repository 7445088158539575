// Invariants (O1..) are those of docs/protocols/once.md.
import t from 'tap'
import { storedRepliesMax } from '../../lib/limits.ts'
import type { OnceInput, OnceOutput, OnceReply } from '../../lib/protocol/once.ts'
import { once } from '../../lib/protocol/once.ts'
import { randomOf } from '../hub/random.ts'

class Server {
  readonly state = once.initial()

  step(input: OnceInput): readonly OnceOutput[] {
    return once.step(this.state, input)
  }

  ask(call: number, ackUpTo = 0, client = 1): unknown {
    const [output, ...rest] = this.step({ type: 'request', client, call, ackUpTo })
    if (output === undefined || rest.length > 0) return 'not one output'
    if (output.type === 'answer') return output.reply
    return output.type === 'refuse' ? output.code : output.type
  }

  complete(call: number, client = 1): OnceReply {
    const reply = ['reply', client, call, call * 10] as const
    this.step({ type: 'completed', client, call, reply })
    return reply
  }
}

t.test('once.step() request', async (t) => {
  t.test('O1: is executed once, and answered from the store after', async (t) => {
    const server = new Server()
    t.equal(server.ask(1), 'execute')
    const reply = server.complete(1)
    t.equal(server.ask(1), reply)
    t.equal(server.ask(1), reply, 'as often as it comes')
  })
  t.test('O1: is attached while it is being performed', async (t) => {
    const server = new Server()
    server.ask(1)
    t.equal(server.ask(1), 'attach')
    server.complete(1)
    t.not(server.ask(1), 'attach')
  })
  t.test('O2: is refused once its reply was taken', async (t) => {
    const server = new Server()
    server.ask(1)
    server.complete(1)
    t.equal(server.ask(2, 1), 'execute')
    t.equal(server.ask(1), 'ERR_GOAWAY_PROTOCOL')
    t.equal(server.ask(2), 'attach')
  })
  t.test('without a call is executed whenever it comes, and leaves nothing', async (t) => {
    const server = new Server()
    t.equal(server.ask(0), 'execute')
    t.equal(server.ask(0), 'execute')
    t.strictSame(server.state, once.initial())
  })
  t.test('without a call acknowledges like any other', async (t) => {
    const server = new Server()
    server.ask(1)
    server.complete(1)
    server.ask(0, 1)
    t.equal(server.ask(1), 'ERR_GOAWAY_PROTOCOL')
  })
  t.test('O3: a call that is parked holds back no memory of others', async (t) => {
    const server = new Server()
    server.ask(1)
    for (let call = 2; call < 100; call += 1) {
      t.equal(server.ask(call, call - 2), 'execute')
      server.complete(call)
    }
    t.equal(server.state.clients.get(1)?.replies.length, 1)
    t.equal(server.ask(1), 'attach')
    const reply = server.complete(1)
    t.equal(server.ask(100, 98), 'execute')
    t.equal(server.ask(1), reply, 'its reply was not among those that were taken')
    t.equal(server.ask(50), 'ERR_GOAWAY_PROTOCOL')
  })
  t.test('of one client is nothing to another', async (t) => {
    const server = new Server()
    server.ask(1)
    t.equal(server.ask(1, 0, 2), 'execute')
    server.complete(1)
    t.equal(server.ask(1, 0, 2), 'attach')
  })
})

t.test('once.step() O3: keeps no more than so many replies', async (t) => {
  const server = new Server()
  for (let call = 1; call <= storedRepliesMax; call += 1) {
    server.ask(call)
    server.complete(call)
  }
  const next = storedRepliesMax + 1
  t.equal(server.ask(next), 'ERR_GOAWAY_LIMIT')
  t.equal(server.ask(next), 'ERR_GOAWAY_PROTOCOL', 'and does not perform it later either')
  const last = server.complete(storedRepliesMax)
  t.strictSame(server.ask(storedRepliesMax), last)
  server.step({ type: 'acknowledge', client: 1, ackUpTo: storedRepliesMax })
  t.equal(server.state.clients.get(1)?.replies.length, 0)
  t.equal(server.ask(next + 1, next), 'execute', 'the refusal was counted by both')
  server.complete(next + 1)
  t.equal(server.ask(next + 2, next), 'execute')
  t.strictSame(server.ask(next + 1), ['reply', 1, next + 1, (next + 1) * 10])
})

t.test(
  'once.step() clientLost leaves nothing, also of calls that are still performed',
  async (t) => {
    const server = new Server()
    server.ask(1)
    server.ask(2)
    server.complete(1)
    server.step({ type: 'clientLost', client: 1 })
    server.complete(2)
    server.step({ type: 'acknowledge', client: 1, ackUpTo: 1 })
    t.strictSame(server.state, once.initial())
  },
)

/** One client over a wire that repeats requests and replies at will, by one seed. */
function stormy(seed: number): { performed: Map<number, number>; settled: Map<number, unknown> } {
  const random = randomOf(seed)
  const server = new Server()
  const performed = new Map<number, number>()
  const settled = new Map<number, unknown>()
  const parked: number[] = []
  const sent: (readonly [call: number, ackUpTo: number])[] = []
  const take = (reply: OnceReply): void => {
    if (reply[0] === 'reply' && !settled.has(reply[2])) settled.set(reply[2], reply[3])
  }
  const deliver = (call: number, ackUpTo: number): void => {
    const [output] = server.step({ type: 'request', client: 1, call, ackUpTo })
    if (output?.type === 'answer') take(output.reply)
    if (output?.type !== 'execute') return
    performed.set(call, (performed.get(call) ?? 0) + 1)
    if (random() < 0.2) parked.push(call)
    else take(server.complete(call))
  }
  for (let call = 1; call <= 300; call += 1) {
    const request = [call, settled.size] as const
    sent.push(request)
    deliver(...request)
    while (random() < 0.3) deliver(...(sent[Math.floor(random() * sent.length)] ?? request))
    if (random() < 0.2) for (const one of parked.splice(0, 3)) take(server.complete(one))
  }
  for (const one of parked) take(server.complete(one))
  return { performed, settled }
}

t.test('once: over 500 wires that repeat at will each call is performed once', async (t) => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const { performed, settled } = stormy(seed)
    const once = [...performed.values()].every((count) => count === 1)
    const answered = [...settled].every(([call, answer]) => answer === call * 10)
    if (once && answered && performed.size === 300 && settled.size === 300) continue
    return t.fail(`seed ${seed}: ${performed.size} performed, ${settled.size} settled`)
  }
})
