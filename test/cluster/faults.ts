/** Faults of nodes while they count under a lock: what has to hold, whatever the moment. */
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
import { kill, Stage } from './stage.ts'

interface Scene {
  readonly stage: Stage
  readonly program: Program
  readonly victim: string
  /** Process of the victim. */
  readonly pid: number
}

/** A program that counts on three nodes of this machine, to the moment of the fault. */
async function begin(t: Test, faults: Faults, until?: 'leave'): Promise<Scene> {
  const patient = until === undefined ? patience : times
  const stage = new Stage(t)
  const plan = countingPlan(faults, { nodes: 3, launch: 'local', ...patient }, until)
  const program = stage.program('counting', plan)
  const { nodes } = await program.line('nodes')
  const victim = nameOfNode(faults.victim)
  const { pid } = nodes.find(({ name }: { name: string }) => name === victim)
  await program.line('now')
  return { stage, program, victim, pid }
}

async function finish(t: Test, { stage, program }: Scene): Promise<Record<string, unknown>[]> {
  const { code, stdout, timedOut } = await program.ended
  t.equal(timedOut, false, 'nothing hangs')
  t.equal(code, 0, 'the program ends well')
  t.strictSame(await stage.end(), [], 'no process is left')
  return jsonLines(stdout)
}

export async function killedNode(t: Test, faults: Faults): Promise<void> {
  const scene = await begin(t, faults, 'leave')
  const { program, victim, pid } = scene
  const killedAt = Date.now()
  kill(pid, 'SIGKILL')
  const { at } = await program.line(`leave ${victim}`)
  t.comment(`seed ${faults.seed}: ${victim} declared lost ${at - killedAt} ms after its end`)
  t.ok(at - killedAt < times.nodeTimeoutMs, 'lost within nodeTimeoutMs')
  checkCount(t, faults, await finish(t, scene))
}

/** Stopped for longer than its lease, and then let go on, while the program runs. */
export async function stoppedNode(t: Test, faults: Faults): Promise<void> {
  const scene = await begin(t, faults, 'leave')
  const { stage, program, victim, pid } = scene
  const stoppedAt = Date.now()
  kill(pid, 'SIGSTOP')
  const { at } = await program.line(`leave ${victim}`)
  t.comment(`seed ${faults.seed}: ${victim} declared lost ${at - stoppedAt} ms after its stop`)
  t.ok(at - stoppedAt < times.nodeTimeoutMs + slackMs, 'lost within nodeTimeoutMs')
  kill(pid, 'SIGCONT')
  const left = await stage.settled(times.nodeTimeoutMs + slackMs, (one) => one === pid)
  t.strictSame(left, [], 'it exits when it goes on')
  checkCount(t, faults, await finish(t, scene))
}

/** Far less than anybody's patience, and more than it takes to give up a connection. */
const heldUpMs = 1_400

/** Stopped for less than anybody's patience. */
export async function heldUpNode(t: Test, faults: Faults): Promise<void> {
  const scene = await begin(t, faults)
  kill(scene.pid, 'SIGSTOP')
  await sleep(heldUpMs)
  kill(scene.pid, 'SIGCONT')
  checkNothingLost(t, faults, await finish(t, scene))
}
