// What a link's other end may repeat, sent by hand. The rules: docs/protocols/once.md.
import t from 'tap'
import { clientsPerNode, repliesUntoldMax } from '../../lib/limits.ts'
import type { Link } from '../../lib/transport/contract.ts'
import { threadLink } from '../../lib/transport/thread.ts'
import type { LinkMessage, Operation } from '../../lib/wire/messages.ts'
import { StandHub } from './hub-stand.ts'

const client = 2 * clientsPerNode

/** The other end of a link to a hub: what it said so far, and a promise of what it says next. */
class Hand {
  readonly link: Link
  readonly heard: LinkMessage[] = []
  #more = (): void => {}

  constructor(hub: StandHub) {
    const [near, far] = threadLink()
    hub.hub.peers.link({ ...hub.member, place: 2, index: 2, name: 'by-hand' }, near)
    this.link = far.open({
      received: (messages) => {
        this.heard.push(...messages)
        this.#more()
      },
      closed: () => {},
    })
  }

  say(...messages: LinkMessage[]): void {
    for (const message of messages) this.link.send(message)
    this.link.flush()
  }

  ask(call: number, ackUpTo: number, operation: Operation): void {
    this.say(['request', client, call, 0, 0, false, operation, ackUpTo, 1])
  }

  async next(): Promise<LinkMessage | undefined> {
    while (this.heard.length === 0) {
      await new Promise<void>((resolve) => {
        this.#more = resolve
      })
    }
    return this.heard.shift()
  }
}

t.test('a request that comes again over a link is answered, and not repeated', async (t) => {
  const hub = new StandHub(1)
  try {
    const hand = new Hand(hub)
    const add: Operation = ['add', 'o', 'x', 1, null]
    hand.ask(1, 0, add)
    t.same(await hand.next(), ['reply', client, 1, [true, 1, 1]])
    hand.ask(1, 0, add)
    t.same(await hand.next(), ['reply', client, 1, [true, 1, 1]], 'the answer of then')
    t.same(await hub.program.ask('get', 'o', 'x', 0), [1, 1])

    hand.ask(2, 1, ['get', 'o', 'x', 0])
    t.same(await hand.next(), ['reply', client, 2, [1, 1]])
    hand.ask(1, 1, add)
    const refusal = await hand.next()
    t.same(refusal?.slice(0, 3), ['refusal', client, 1])
    t.match(JSON.stringify(refusal), /ERR_GOAWAY_PROTOCOL/)
    t.same(await hub.program.ask('get', 'o', 'x', 0), [1, 1], 'nor once its answer was taken')
  } finally {
    await hub.close()
  }
})

t.test('a request that comes again while it waits is answered once', async (t) => {
  const hub = new StandHub(1)
  try {
    const hand = new Hand(hub)
    hand.ask(1, 0, ['acquire', 'l'])
    hand.ask(2, 0, ['acquire', 'l'])
    hand.ask(2, 0, ['acquire', 'l'])
    t.same((await hand.next())?.slice(0, 3), ['reply', client, 1])
    t.same(await hand.next(), ['waiting', client, 2])
    hand.ask(0, 0, ['release', 'l', 1])
    t.same(await hand.next(), ['reply', client, 2, 2])
    hand.ask(3, 2, ['tryAcquire', 'l'])
    t.same(await hand.next(), ['reply', client, 3, 0], 'nothing stood in the queue behind it')
    hand.ask(0, 0, ['release', 'l', 2])
    hand.ask(4, 2, ['tryAcquire', 'l'])
    t.same(await hand.next(), ['reply', client, 4, 3], 'nobody else was granted it')
  } finally {
    await hub.close()
  }
})

t.test('many replies are acknowledged though no request follows', async (t) => {
  const hub = new StandHub(2)
  try {
    const [near, far] = threadLink()
    hub.hub.peers.link({ ...hub.member, place: 1, index: 1, name: 'by-hand' }, near)
    const acknowledged = new Promise<LinkMessage>((resolve) => {
      const link = far.open({
        received(messages) {
          for (const message of messages) {
            if (message[0] === 'request') link.send(['reply', message[1], message[2], 1])
            else if (message[0] === 'acknowledge') resolve(message)
          }
          link.flush()
        },
        closed: () => {},
      })
    })
    const asks = Array.from({ length: repliesUntoldMax }, () => hub.program.ask('keys', 'o'))
    await Promise.all(asks)
    t.equal((await acknowledged)[2], repliesUntoldMax)
  } finally {
    await hub.close()
  }
})
