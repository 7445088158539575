/** A spawner and other nodes in the test's thread, and what the spawner's program submits. */
import type { Test } from 'tap'
import { type Node, place } from '../../lib/client/current.ts'
import { StandNode, type StandNodeOptions } from './cluster-stand.ts'
import { Rig, until } from './suite.ts'

export interface StandOptions {
  /** Threads of the spawner. @default 0 */
  readonly spawner?: number
  readonly nodes: readonly Omit<StandNodeOptions, 'place'>[]
  /** The nodes are as if in processes of their own: nothing on a port leaves them. */
  readonly apart?: boolean
}

export class ClusterRig extends Rig {
  readonly spawner: StandNode
  readonly nodes: readonly StandNode[]

  static make(t: Test, { spawner = 0, nodes, apart = false }: StandOptions): ClusterRig {
    const first = new StandNode({ place: 0, threads: spawner })
    const others = nodes.map((node, at) => new StandNode({ ...node, place: at + 1 }))
    const all = [first, ...others]
    all.forEach((one, at) => {
      for (const other of all.slice(at + 1)) one.join(other, !apart)
    })
    const rig = new ClusterRig(first, others)
    const before = place.node
    if (apart) place.node = { clustered: true } as Node
    t.teardown(async () => {
      place.node = before
      await rig.executor.close(0)
    })
    return rig
  }

  private constructor(spawner: StandNode, nodes: readonly StandNode[]) {
    super((report) => spawner.executor(report, nodes))
    this.spawner = spawner
    this.nodes = nodes
  }

  /** All nodes have told one another what they take. */
  async ready(): Promise<void> {
    const all = [this.spawner, ...this.nodes]
    await until(() => all.every(({ known }) => known.size === all.length - 1))
  }

  /** Results of many: looking at each on its own would take longer than they do. */
  async results(routines: readonly number[]): Promise<unknown[]> {
    await until(() => routines.every((routine) => this.isSettled(routine)))
    return Promise.all(routines.map((routine) => this.result(routine)))
  }

  /** Routines that the spawner has ordered elsewhere so far. */
  get ordered(): number {
    return this.spawner.sent.filter(([kind]) => kind === 'order').length
  }
}
