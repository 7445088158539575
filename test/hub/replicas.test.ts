/** The driver of the replicated stores, with a machine that does as it is told. */
import t from 'tap'
import { recordOf } from '../../lib/client/error-codec.ts'
import { objectLock } from '../../lib/client/held-locks.ts'
import { GoawayError } from '../../lib/errors.ts'
import { Master } from '../../lib/hub/master.ts'
import { Published } from '../../lib/hub/published.ts'
import { type ReplicaMachine, Replicas } from '../../lib/hub/replicas.ts'
import type { StoreRequest, Stores } from '../../lib/hub/stores.ts'
import { clientsPerNode } from '../../lib/limits.ts'
import type { Standing } from '../../lib/protocol/membership-node.ts'
import { updateOnReleaseLock } from '../../lib/protocol/replica.ts'
import type { ErrorRecord } from '../../lib/wire/error-record.ts'
import type { LockOperation, Operation } from '../../lib/wire/messages.ts'
import { createHubWords } from '../../lib/wire/shared-words.ts'

type Input = Parameters<ReplicaMachine['step']>[1]
type Output = ReturnType<ReplicaMachine['step']>[number]

/** Notes what it is fed, and does to each input what the test has laid out for its type. */
function rig() {
  const fed: Input[] = []
  const said: unknown[][] = []
  const answers = new Map<string, (input: never) => readonly Output[]>()
  let standing: Standing = 'serving'
  const machine: ReplicaMachine = {
    initial: (parameters) => parameters,
    step(_, input) {
      fed.push(input)
      return answers.get(input.type)?.(input as never) ?? []
    },
  }
  const note =
    (name: string) =>
    (...rest: unknown[]): void =>
      void said.push([name, ...rest])
  const replies = {
    answer: note('answer'),
    refuse: (client: number, call: number, error: ErrorRecord) =>
      void said.push(['refuse', client, call, error.errors[0]?.code]),
    parked: ({ client, call }: StoreRequest) => void said.push(['parked', client, call]),
    lockLost: note('lockLost'),
  }
  const behind: Stores = {
    request: ({ operation }) => void said.push(['behind', operation[0]]),
    forget: note('behind forgets'),
    ownerEnded: () => {},
    clientLost: () => {},
  }
  const locks = new Master(replies)
  const published = new Published(createHubWords())
  const host = {
    replies,
    locks,
    published,
    taken: note('taken'),
    standing: () => standing,
    send: note('send'),
  }
  const parameters = { place: 1, founders: 2, placement: 'first' } as const
  const machines = { weak: machine, 'update-on-release': machine }
  const replicas = new Replicas(parameters, behind, host, machines)
  const ask = (call: number, operation: Operation, client = clientsPerNode): void =>
    replicas.request({ client, call, owner: 7, thread: 1, blocking: false, operation })
  const stand = (now: Standing): void => {
    standing = now
  }
  return { fed, said, answers, replicas, locks, ask, stand }
}

const client = clientsPerNode
const why = recordOf(new GoawayError('ERR_GOAWAY_CANCELLED', 'no'))
const get = ['get', 'o', 'x', 0] as const

t.test('A request goes to the machine of its store, and all others on', async (t) => {
  const { fed, said, answers, ask } = rig()
  answers.set('request', ({ call }: { call: number }) => [
    { type: 'answer', client, call, answer: 5 },
    { type: 'send', to: 2, message: ['hello'] },
  ])
  ask(1, ['weak', get])
  ask(2, get)
  ask(3, ['lin-fast-read', get])
  t.match(fed, [{ type: 'request', client, call: 1, owner: 7, operation: get, mayServe: true }])
  t.same(said, [
    ['answer', client, 1, 5],
    ['send', 2, ['store', 'weak', ['hello']]],
    ['behind', 'get'],
    ['refuse', client, 3, 'ERR_GOAWAY_PROTOCOL'],
  ])
})

t.test('A call that waits may be given up, and its late answer is not told', async (t) => {
  const { fed, said, answers, replicas, ask } = rig()
  ask(1, ['weak', ['wait', 'o', 'x', 0]])
  t.same(said.splice(0), [['parked', client, 1]])
  replicas.forget(client, 1, why)
  t.match(fed.at(-1), { type: 'forget', client, call: 1 })
  t.same(said.splice(0), [['refuse', client, 1, 'ERR_GOAWAY_CANCELLED']])
  answers.set('view', () => [{ type: 'answer', client, call: 1, answer: 5 }])
  replicas.view(2, [0, 1])
  t.same(said, [])
})

t.test('A write on its way is not given up: its answer comes', async (t) => {
  const { fed, said, answers, replicas, ask } = rig()
  ask(1, ['weak', ['set', 'o', 'x', 1, null]])
  t.same(said, [], 'it does not count as waiting')
  replicas.forget(client, 1, why)
  t.equal(fed.length, 1, 'of which the machine is not told')
  answers.set('message', () => [{ type: 'answer', client, call: 1, answer: 5 }])
  replicas.received(2, ['store', 'weak', ['done']])
  t.same(said, [['answer', client, 1, 5]])
})

t.test('A machine is told whether its node may serve, and of nothing before it may', async (t) => {
  const { fed, replicas, ask, stand } = rig()
  stand('waiting')
  replicas.view(1, [0, 1, 2])
  ask(1, ['weak', get])
  t.same(fed, [])
  stand('serving')
  replicas.serving()
  const view = { epoch: 1, members: [0, 1, 2] }
  t.match(fed.splice(0), [
    { type: 'view', view, mayServe: true },
    { type: 'view', view, mayServe: true },
    { type: 'request', call: 1, mayServe: true },
  ])
  stand('expired')
  ask(1, ['weak', get])
  t.match(fed, [{ type: 'request', mayServe: false }])
})

t.test('Only what asked something is told to have ended', async (t) => {
  const { fed, replicas, ask } = rig()
  ask(1, ['weak', get])
  fed.length = 0
  replicas.ownerEnded(client, 8)
  replicas.ownerEnded(client, 7)
  replicas.ownerEnded(client, 7)
  replicas.clientLost(client + 1)
  replicas.clientLost(client)
  t.same(
    fed.map(({ type }) => type),
    ['ownerEnded', 'clientLost'],
  )
})

/** Of the client of another node. */
const theirs = 3 * clientsPerNode
const lock = updateOnReleaseLock('o')
const order = (call: number, operation: LockOperation) =>
  ({ type: 'lock', client: theirs, call, owner: 9, thread: 3, blocking: false, operation }) as const

t.test('What becomes of an order of a lock is told to the machine alone', async (t) => {
  const { fed, said, answers, replicas, locks } = rig()
  answers.set('message', ({ message }: { message: [number] }) => [
    order(message[0], ['acquire', lock]),
    { type: 'send', to: 3, message: ['ordered'] },
  ])
  replicas.received(3, ['store', 'update-on-release', [1] as never])
  replicas.received(3, ['store', 'update-on-release', [2] as never])
  const types = (): string[] => fed.splice(0).map(({ type }) => type)
  // It hears of the grant before it hears anything else.
  t.same(types(), ['message', 'lockGranted', 'lockAnswered', 'message', 'lockRefused'])
  t.same(said, Array(2).fill(['send', 3, ['store', 'update-on-release', ['ordered']]]))
  t.equal(locks.counts().locks, 1)
  answers.set('message', () => [order(0, ['release', lock, 1])])
  replicas.received(3, ['store', 'update-on-release', ['release']])
  t.same(types(), ['message'])
  t.equal(locks.counts().locks, 0)
})

t.test('What became of locks is told to each machine before its next input', async (t) => {
  const { fed, answers, replicas } = rig()
  replicas.changed('lockGranted', 'a', 1)
  replicas.changed('lockGranted', 'b', 2)
  replicas.changed('lockFreed', 'a', 1)
  t.same(fed, [], 'there are many locks, and few machines that are in use')
  answers.set('message', () => [])
  replicas.received(2, ['store', 'weak', ['x']])
  t.match(fed.splice(0), [
    { type: 'lockGranted', lock: 'a', token: 1 },
    { type: 'lockFreed', lock: 'a', token: 1 },
    { type: 'lockGranted', lock: 'b', token: 2 },
    { type: 'message' },
  ])
  replicas.received(2, ['store', 'weak', ['x']])
  t.equal(fed.length, 1, 'and once')
})

t.test('A thread knows the lock of an object by the name that its hub gives it', async (t) => {
  t.equal(objectLock('o'), updateOnReleaseLock('o'))
})

t.test('Nonsense is refused before a machine sees it', async (t) => {
  const { fed, replicas } = rig()
  t.throws(() => replicas.received(2, ['store', 'strict' as never, ['x']]), /strict is not known/)
  t.throws(() => replicas.received(2, ['store', 'weak', 'x' as never]), /no list/)
  t.same(fed, [])
})

t.test('What a machine throws keeps none from what is still to be taken', async (t) => {
  const { fed, answers, replicas } = rig()
  answers.set('message', () => {
    throw new TypeError('no')
  })
  t.throws(() => replicas.received(2, ['store', 'weak', ['x']]), TypeError)
  replicas.view(2, [0, 1])
  t.same(
    fed.map(({ type }) => type),
    ['message', 'view', 'view'],
  )
})
