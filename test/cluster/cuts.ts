/** Networks that are cut while three hosts count under a lock: what has to hold. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { jsonLines, type Program } from '../run-program.ts'
import {
  checkCount,
  checkNothingLost,
  countingPlan,
  type Faults,
  nameOfNode,
  slackMs,
  times,
} from './counting.ts'
import { patience } from './local-cluster.ts'
import { Network } from './network.ts'
import { type KeptNode, Stage } from './stage.ts'

interface Scene {
  readonly stage: Stage
  readonly network: Network
  readonly nodes: readonly KeptNode[]
  readonly program: Program
  readonly victim: string
}

/** The spawner is at host 0, each node at the host of its number. */
async function begin(t: Test, faults: Faults, until?: 'leave'): Promise<Scene> {
  const patient = until === undefined ? patience : times
  const network = new Network(t, 4)
  const stage = new Stage(t)
  const nodes = await Promise.all(
    [1, 2, 3].map((host) =>
      stage.node(nameOfNode(host), { host: network.address(host), within: network.within(host) }),
    ),
  )
  const entries = nodes.map(({ host, port, name }) => ({ host, port, name, threads: 2 }))
  const plan = countingPlan(faults, { nodes: entries, launch: 'none', ...patient }, until)
  const program = stage.program('counting', plan, { within: network.within(0) })
  await program.line('now')
  return { stage, network, nodes, program, victim: nameOfNode(faults.victim) }
}

async function finish(
  t: Test,
  { stage, network, program }: Scene,
): Promise<Record<string, unknown>[]> {
  const { code, stdout, timedOut } = await program.ended
  t.equal(timedOut, false, 'nothing hangs')
  t.equal(code, 0, 'the program ends well')
  t.strictSame(await stage.end(), [], 'no process is left')
  network.remove()
  t.strictSame(network.left(), [], 'nothing is left of the network')
  return jsonLines(stdout)
}

/** A node reaches nobody, and nobody reaches it. */
export async function cutOffNode(t: Test, faults: Faults): Promise<void> {
  const scene = await begin(t, faults, 'leave')
  const { network, nodes, program, victim } = scene
  const cutAt = Date.now()
  network.cut(faults.victim)
  const { at } = await program.line(`leave ${victim}`)
  t.comment(`seed ${faults.seed}: ${victim} declared lost ${at - cutAt} ms after the cut`)
  t.ok(at - cutAt < times.nodeTimeoutMs + slackMs, 'lost within nodeTimeoutMs')
  await nodes[faults.victim - 1]?.supervisor.printed('application is over')
  checkCount(t, faults, await finish(t, scene))
}

/** Two nodes reach the spawner, and not each other. */
export async function partedNodes(t: Test, faults: Faults, other: number): Promise<void> {
  const scene = await begin(t, faults, 'leave')
  const { network, nodes, program, victim } = scene
  const cutAt = Date.now()
  network.part(faults.victim, other)
  const { at } = await program.line(`leave ${victim}`)
  t.comment(`seed ${faults.seed}: ${victim} was chosen to go ${at - cutAt} ms after the cut`)
  await nodes[faults.victim - 1]?.supervisor.printed('application is over')
  checkCount(t, faults, await finish(t, scene))
}

/** Everything comes back before anybody has lost patience. */
export async function shortCut(t: Test, faults: Faults, cutMs: number): Promise<void> {
  const scene = await begin(t, faults)
  const { network } = scene
  network.cut(faults.victim)
  await sleep(cutMs)
  network.mend(faults.victim)
  checkNothingLost(t, faults, await finish(t, scene))
}

/** Far less than `linkGraceMs`, and more than it takes to give up a connection. */
export const shortCutMs = 1_400
