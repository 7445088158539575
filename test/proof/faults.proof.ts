/**
 * The proof of what a cluster promises under faults: 10,000 increments under a lock over three
 * nodes, with real processes, signals and networks, for each of five seeds. It takes long, and is
 * run by `npm run proof`, or for some seeds alone by `npm run proof -- 2 4`.
 */
import process from 'node:process'
import t from 'tap'
import { cutOffNode, partedNodes, shortCut, shortCutMs } from '../cluster/cuts.ts'
import { heldUpNode, killedNode, stoppedNode } from '../cluster/faults.ts'
import { noNetworks } from '../cluster/network.ts'

const increments = Number(process.env.GOAWAY_PROOF_INCREMENTS ?? 10_000)
const given = process.argv.slice(2).map(Number)
const seeds = given.length > 0 ? given : [1, 2, 3, 4, 5]

t.setTimeout(12 * 3_600_000)
const skip = noNetworks()
for (const seed of seeds) {
  const master = { seed, increments, each: 50, victim: 1 }
  const other = { ...master, victim: 2 + (seed % 2) }
  t.test(`seed ${seed}: a node is killed`, (t) => killedNode(t, other))
  t.test(`seed ${seed}: the master is killed`, (t) => killedNode(t, master))
  t.test(`seed ${seed}: a node stands still`, (t) => stoppedNode(t, other))
  t.test(`seed ${seed}: the master stands still`, (t) => stoppedNode(t, master))
  t.test(`seed ${seed}: a node stands still for a moment`, (t) => heldUpNode(t, other))
  t.test(`seed ${seed}: a node is cut off`, { skip }, (t) => cutOffNode(t, other))
  t.test(`seed ${seed}: the master is cut off`, { skip }, (t) => cutOffNode(t, master))
  t.test(`seed ${seed}: two nodes are parted`, { skip }, (t) =>
    partedNodes(t, { ...other, victim: 3 }, 1 + (seed % 2)),
  )
  t.test(`seed ${seed}: a cut is mended`, { skip }, (t) => {
    return shortCut(t, other, (shortCutMs * seed) / 5)
  })
}
