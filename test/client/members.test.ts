/** News of nodes, as a program hears of them. */
import t from 'tap'
import type { HubClient } from '../../lib/client/hub-client.ts'
import { Members } from '../../lib/client/members.ts'
import { GoawayError } from '../../lib/errors.ts'
import type { HubMessage, Member, Message } from '../../lib/wire/messages.ts'

class StandInClient {
  readonly sent: Message[] = []
  retained = 0
  readonly keeper = { retain: () => this.retained++, release: () => this.retained-- }
  readonly #handlers = new Map<string, (message: HubMessage) => void>()
  readonly #lost = new Set<(error: GoawayError) => void>()

  on(name: string, handler: (message: HubMessage) => void): void {
    this.#handlers.set(name, handler)
  }

  onLost(listener: (error: GoawayError) => void): () => void {
    this.#lost.add(listener)
    return () => this.#lost.delete(listener)
  }

  send(message: Message): void {
    this.sent.push(message)
  }

  hear(message: HubMessage): void {
    this.#handlers.get(message[0])?.(message)
  }

  lose(): void {
    for (const listener of this.#lost) listener(new GoawayError('ERR_GOAWAY_HUB_LOST', 'gone'))
  }
}

const standIn = () => {
  const client = new StandInClient()
  return { client, members: new Members(client as unknown as HubClient) }
}

const member = (place: number, name: string): Member => {
  const rest = { index: place, host: '', port: 0, labels: [], threads: 1, incarnation: '' }
  return { place, name, ...rest }
}

const a = member(1, 'a')
const b = member(2, 'b')

t.test('The first list is no news; a node that came back left and joined', async (t) => {
  const { client, members } = standIn()
  const news: string[] = []
  members.on('leave', ({ name }) => news.push(`leave ${name}`))
  const stop = members.on('join', ({ name }) => news.push(`join ${name}`))
  client.hear(['members', [member(0, 'spawner'), a, b]])
  client.hear(['members', [member(0, 'spawner'), a, member(3, 'b')]])
  await Promise.resolve()
  t.same(news, ['leave b', 'join b'])
  t.same(
    members.list().map(({ name, spawner }) => [name, spawner]),
    [
      ['spawner', true],
      ['a', false],
      ['b', false],
    ],
  )
  stop()
  client.hear(['members', [a, b]])
  await Promise.resolve()
  t.same(news.slice(2), ['leave spawner', 'leave b'])
})

t.test('What a listener throws is no business of who brings the news', async (t) => {
  const { client, members } = standIn()
  const thrown: unknown[] = []
  process.once('uncaughtException', (error) => thrown.push(error))
  const heard = new Promise<void>((resolve) => {
    members.on('leave', () => {
      throw new Error('of the program')
    })
    members.on('join', () => resolve())
  })
  client.hear(['members', [a]])
  t.doesNotThrow(() => client.hear(['members', [b]]))
  await heard
  t.match(thrown, [{ message: 'of the program' }])
})

t.test('stats() settles when it is answered, and when the hub is lost', async (t) => {
  const { client, members } = standIn()
  const [first, second] = [members.stats(), members.stats()]
  t.equal(client.retained, 2)
  t.same(client.sent, [
    ['stats', 1],
    ['stats', 2],
  ])
  client.hear(['stats', 1, ['x']])
  t.same(await first, ['x'])
  client.lose()
  await t.rejects(second, { code: 'ERR_GOAWAY_HUB_LOST' })
  t.equal(client.retained, 0)
})
