/** What the hub keeps of a client, and lets go of with it. */
import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import t from 'tap'
import { Session } from '../../lib/hub/session.ts'
import { clientsPerNode } from '../../lib/limits.ts'
import type { MessagePortLike } from '../../lib/wire/messages.ts'
import { ThreadWords } from '../../lib/wire/shared-words.ts'
import { StandHub } from './hub-stand.ts'

t.test('Large values on their way to a thread that is gone are let go', async (t) => {
  const { port1: mine, port2: theirs } = new MessageChannel()
  const { port1: reader, port2: value } = new MessageChannel()
  const session = new Session(1, 1, theirs, new ThreadWords())
  session.send(['arguments', 1, value as unknown as MessagePortLike])
  session.send(['answer', 1, [1, 2]])
  const closed = Promise.all([once(reader, 'close'), once(mine, 'close')])
  reader.ref()
  mine.ref()
  session.close()
  await closed
  t.equal(session.flush(Infinity), false)
})

t.test('The hub does so when a thread detaches', async () => {
  const stand = new StandHub(1)
  const { port1, port2 } = new MessageChannel()
  const { port1: reader, port2: value } = new MessageChannel()
  const client = stand.hub.nextClient()
  stand.hub.attach(client, 1, port1, new ThreadWords())
  stand.hub.send(client, ['arguments', 1, value as unknown as MessagePortLike])
  const closed = once(reader, 'close')
  reader.ref()
  stand.hub.detach(client)
  await closed
  port2.close()
  await stand.close()
})

t.test('Numbers of clients begin anew at the end, and pass over those in use', async (t) => {
  const stand = new StandHub(1)
  try {
    const { hub } = stand
    const taken = stand.program.client.id
    t.equal(taken, clientsPerNode)
    const numbers = new Set(Array.from({ length: clientsPerNode * 2 }, () => hub.nextClient()))
    t.notOk(numbers.has(taken))
    t.equal(Math.min(...numbers), clientsPerNode + 1)
    t.equal(Math.max(...numbers), 2 * clientsPerNode - 1)
  } finally {
    await stand.close()
  }
})
