/** What a peer does with what comes: before the first lease, in one batch with it, and too late. */
import t from 'tap'
import { realClock } from '../../lib/clock.ts'
import { CountedLink } from '../../lib/hub/counted-link.ts'
import { Peer, type PeerHost } from '../../lib/hub/peer.ts'
import { Peers } from '../../lib/hub/peers.ts'
import type { ClientReplies, OwnStores, StoreRequest } from '../../lib/hub/stores.ts'
import { clientsPerNode } from '../../lib/limits.ts'
import type { Standing } from '../../lib/protocol/membership-node.ts'
import type { LinkEnd } from '../../lib/transport/contract.ts'
import type { LinkMessage, Member } from '../../lib/wire/messages.ts'

const member: Member = {
  place: 2,
  index: 2,
  name: 'two',
  host: '',
  port: 0,
  labels: [],
  threads: 1,
  incarnation: '',
}
const client = 2 * clientsPerNode

function rig() {
  const requests: StoreRequest[] = []
  const gone: number[] = []
  const sent: LinkMessage[] = []
  const refused: number[] = []
  const stores: OwnStores = {
    request: (request) => void requests.push(request),
    forget() {},
    ownerEnded() {},
    clientLost: (lost) => void gone.push(lost),
    sessionEnded() {},
    holds: () => false,
    held: () => [],
  }
  const replies: ClientReplies = {
    answer() {},
    refuse: (_, call) => void refused.push(call),
    parked() {},
    lockLost() {},
  }
  const link = {
    backlog: 0,
    bytesSent: 0,
    isConnected: true,
    send: (m: LinkMessage) => void sent.push(m),
    flush() {},
    close() {},
  }
  const end: LinkEnd = { open: () => link }
  return { requests, gone, sent, refused, stores, replies, end }
}

const acquire = (call: number): LinkMessage => [
  'request',
  client,
  call,
  0,
  0,
  false,
  ['acquire', 'a'],
  0,
  1,
]

t.test('What comes in one batch with the first lease is served, in its order', async (t) => {
  const { requests, stores, replies, end } = rig()
  let standing: Standing = 'waiting'
  const host: PeerHost = {
    stores,
    replies,
    sessionMs: 5_000,
    clock: realClock,
    standing: () => standing,
    membership: (_, message) => {
      if (message[0] !== 'grant') return
      standing = 'serving'
      peer.release()
    },
    setup() {},
    routine() {},
    replicas() {},
    ref() {},
    leaving() {},
    linkOver() {},
    turn() {},
  }
  const peer: Peer = new Peer(member, end, host)
  peer.received([acquire(1)])
  t.equal(requests.length, 0, 'there is no lease yet')
  peer.received([acquire(2), ['grant', 1, 1], acquire(3)])
  t.same(
    requests.map(({ call }) => call),
    [1, 2, 3],
  )
  standing = 'expired'
  peer.received([acquire(4)])
  t.equal(requests.length, 3, 'nothing after the last lease')
  peer.lost()
})

t.test('A node that is lost is granted nothing for what it had sent before', async (t) => {
  const { requests, gone, stores, replies, end } = rig()
  const peers = new Peers(
    { place: 1, index: 1, nodes: 2, placement: 'first' },
    stores,
    replies,
    () => {},
  )
  const peer = peers.link(member, end)
  peer.received([acquire(1)])
  peers.remove(2)
  t.same(gone, [client])
  peer.received([acquire(2)])
  t.equal(requests.length, 1, 'its lock would never be free again')
})

t.test('Who speaks nonsense is not listened to any more', async (t) => {
  const { requests, stores, replies, end } = rig()
  const peers = new Peers(
    { place: 1, index: 1, nodes: 2, placement: 'first' },
    stores,
    replies,
    () => {},
  )
  const over: string[] = []
  peers.driver = {
    standing: () => 'serving',
    membership() {
      throw new TypeError('no such thing')
    },
    setup() {},
    linkOver: (_, error) => void over.push(String((error as { code?: string }).code)),
  }
  const peer = peers.link(member, end)
  peer.received([['bye'], acquire(1)])
  peer.received([acquire(2)])
  t.same(over, ['ERR_GOAWAY_PROTOCOL'])
  t.same(requests, [])
})

t.test('A node that dialled before it was known is found by its index later', async (t) => {
  const { sent, refused, stores, replies, end } = rig()
  const options = { place: 1, index: 1, nodes: 64, placement: 'hash' } as const
  const peers = new Peers(options, stores, replies, () => {})
  const peer = peers.link({ ...member, index: 0 }, end)
  peers.joined(peer, member)
  const names = Array.from({ length: 10_000 }, (_, at) => `object ${at}`)
  const object = names.find((name) => peers.router.indexOf(name) === 2) as string
  const operation = ['get', object, 'x', 0] as const
  const request = { client: clientsPerNode, call: 1, owner: 0, thread: 0, blocking: false }
  peers.router.request({ ...request, operation })
  t.same(refused, [])
  t.equal(sent.at(-1)?.[0], 'request')
})

t.test('The names of objects are spread evenly, and stay where they are', async (t) => {
  const { stores, replies } = rig()
  const nodes = 5
  const routerAt = (place: number) =>
    new Peers({ place, index: place, nodes, placement: 'hash' }, stores, replies, () => {}).router
  const [one, other] = [routerAt(1), routerAt(3)]
  const counts = new Array<number>(nodes + 1).fill(0)
  for (let at = 0; at < 10_000; at++) {
    const index = one.indexOf(`name-${at}`)
    if (index !== other.indexOf(`name-${at}`)) t.fail('two nodes disagree')
    counts[index] = (counts[index] ?? 0) + 1
  }
  t.equal(counts[0], 0)
  t.ok(Math.min(...counts.slice(1)) > 1_700 && Math.max(...counts) < 2_300, `${counts}`)
})

t.test('A link counts what is sent for work, and not what only keeps a cluster', async (t) => {
  const { sent, end } = rig()
  const link = new CountedLink(end.open({ received() {}, closed() {} }))
  link.send(['grant', 1, 1, 1] as unknown as LinkMessage)
  link.send(['kept', 1] as unknown as LinkMessage)
  t.equal(link.messagesSent, 0)
  link.send(acquire(1))
  link.send(acquire(2))
  t.equal(link.messagesSent, 2)
  t.equal(sent.length, 4)
})
