/** Values between nodes that share no memory: all kinds, large ones, and what has to stay. */
import t from 'tap'
import { packPayload, packRepeatable } from '../../lib/client/payload.ts'
import { isSame } from '../client/same-value.ts'
import { differences, equal } from '../value-routines.ts'
import { ClusterRig } from './cluster-rig.ts'
import {
  allKinds,
  double,
  echo,
  giveShared,
  kindAt,
  lengthOf,
  streamShared,
  where,
} from './cluster-routines.ts'
import { newCounts } from './suite.ts'

const on = 'node-1'

t.test('Arguments, results and streamed values of every kind cross a link', async (t) => {
  const rig = ClusterRig.make(t, { nodes: [{}], apart: true })
  const given = equal.map(([, value]) => rig.submit(echo, [value], { on }))
  t.same(differences(0, await rig.results(given)), [])
  const made = equal.map((_, index) => rig.submit(kindAt, [index], { on }))
  t.same(differences(0, await rig.results(made)), [])
  const again = equal.map(([, value]) => rig.submit(echo, [value], { on, attemptsMax: 2 }))
  t.same(differences(0, await rig.results(again)), [])
  const stream = rig.submit(allKinds, [], { on })
  rig.give(stream, equal.length + 1)
  await rig.result(stream)
  t.same(differences(0, rig.values(stream)), [])
})

t.test('A large argument and a large result cross a link', async (t) => {
  const rig = ClusterRig.make(t, { nodes: [{}], apart: true })
  const large = { floats: new Float64Array(2_000_000).fill(0.5), text: 'x'.repeat(1_000_000) }
  t.ok(isSame(large, await rig.result(rig.submit(echo, [large], { on }))))
  const bytes = new Uint8Array(3_000_000)
  const payload = packPayload([bytes], 'argument', [bytes.buffer])
  t.equal(bytes.length, 0, 'it moved')
  t.equal(await rig.result(rig.submit(lengthOf, payload as Uint8Array, { on })), 3_000_000)
  t.ok(packRepeatable([large], 'arguments') instanceof Uint8Array)
})

t.test('What lives in one process stays there, or is refused', async (t) => {
  const rig = ClusterRig.make(t, { nodes: [{}], apart: true })
  await rig.ready()
  t.equal(await rig.result(rig.submit(where, [])), 'node-1')
  const shared = newCounts()
  shared[0] = 7
  const echoed = (await rig.result(rig.submit(echo, [shared]))) as Int32Array
  Atomics.store(echoed, 0, 8)
  t.equal(shared[0], 8, 'it ran where the memory is')
  await rig.result(rig.submit(echo, [shared], { on: 'local' }))
  t.equal(rig.ordered, 1)
  const message = /shared memory.*on: 'local'/
  const refused = await rig.error(rig.submit(echo, [shared], { on }))
  t.match(refused, { code: 'ERR_GOAWAY_VALUE', message })
  t.match(await rig.error(rig.submit(giveShared, [])), { code: 'ERR_GOAWAY_VALUE', message })
  const stream = rig.submit(streamShared, [])
  rig.give(stream, 10)
  t.match(await rig.error(stream), { code: 'ERR_GOAWAY_VALUE', message })
  t.same(rig.values(stream), [1])
  t.equal(await rig.result(rig.submit(double, [2])), 4)
})
