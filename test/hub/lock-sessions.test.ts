/** Sessions of locks over a link, whose other end is sent by hand. See docs/protocols/lock.md. */
import t from 'tap'
import { clientsPerNode } from '../../lib/limits.ts'
import type { Link } from '../../lib/transport/contract.ts'
import { threadLink } from '../../lib/transport/thread.ts'
import type { LinkMessage, Operation } from '../../lib/wire/messages.ts'
import { StandHub } from './hub-stand.ts'

const client = 2 * clientsPerNode

class Hand {
  readonly link: Link
  readonly heard: LinkMessage[] = []
  isClosed = false
  #more = (): void => {}

  constructor(hub: StandHub, place = 2) {
    const [near, far] = threadLink()
    hub.hub.peers.link({ ...hub.member, place, index: place, name: 'by-hand' }, near)
    this.link = far.open({
      received: (messages) => {
        this.heard.push(...messages)
        this.#more()
      },
      closed: () => {
        this.isClosed = true
        this.#more()
      },
    })
  }

  say(...messages: LinkMessage[]): void {
    for (const message of messages) this.link.send(message)
    this.link.flush()
  }

  ask(call: number, operation: Operation, session?: number, from = client): void {
    const request = ['request', from, call, 0, 0, false, operation, 0] as const
    this.say(session === undefined ? request : [...request, session])
  }

  async next(): Promise<LinkMessage | undefined> {
    while (this.heard.length === 0 && !this.isClosed) {
      await new Promise<void>((resolve) => {
        this.#more = resolve
      })
    }
    return this.heard.shift()
  }
}

t.test('A session that was parted from is refused for ever, and its locks pass on', async (t) => {
  const hub = new StandHub(1)
  try {
    const hand = new Hand(hub)
    hand.say(['keep', 1, 1])
    t.same(await hand.next(), ['kept', 1, 1])
    hand.ask(1, ['acquire', 'l'], 1)
    t.same(await hand.next(), ['reply', client, 1, 1])
    const next = hub.program.ask('acquire', 'l')
    hand.ask(2, ['set', 'o', 'x', 1, [['l', 1]]])
    t.same(await hand.next(), ['reply', client, 2, 1])
    hand.say(['part', 1])
    t.equal(await next, 2, 'a higher token')
    hand.ask(3, ['acquire', 'm'], 1)
    t.match(JSON.stringify(await hand.next()), /ERR_GOAWAY_SESSION_LOST/)
    hand.say(['keep', 1, 2])
    t.same(await hand.next(), ['ended', 1])
    hand.ask(4, ['acquire', 'm'])
    t.match(JSON.stringify(await hand.next()), /ERR_GOAWAY_SESSION_LOST/, 'nor is none')
    const writes: Operation[] = [
      ['set', 'o', 'x', 2, [['l', 1]]],
      ['add', 'o', 'x', 2, [['l', 1]]],
      ['compareAndSet', 'o', 'x', 1, 2, [['l', 1]]],
      ['replace', 'o', 'x', 1, 2, [['l', 1]]],
      ['delete', 'o', 'x', [['l', 1]]],
    ]
    for (const [at, write] of writes.entries()) {
      hand.ask(5 + at, write)
      t.match(JSON.stringify(await hand.next()), /ERR_GOAWAY_STALE_TOKEN/, write[0])
    }
    await hub.program.ask('release', 'l', 2)
    hand.ask(10, ['set', 'o', 'x', 2, [['l', 2]]])
    const why = 'the table has no entry of it any more'
    t.match(JSON.stringify(await hand.next()), /ERR_GOAWAY_STALE_TOKEN/, why)
    t.same(await hub.program.ask('get', 'o', 'x', 0), [1, 1])
  } finally {
    await hub.close()
  }
})

t.test('A node that speaks for the threads of another is not listened to', async (t) => {
  const hub = new StandHub(1)
  try {
    const hand = new Hand(hub)
    hand.ask(1, ['keys', 'o'], undefined, 3 * clientsPerNode)
    t.equal(await hand.next(), undefined, 'its link is closed')
  } finally {
    await hub.close()
  }
})
