/** Routines on several nodes: the suite of the contract, and what only a cluster has. */
import t from 'tap'
import type { Executor, Report } from '../../lib/executor/contract.ts'
import { StandNode } from './cluster-stand.ts'
import { executorSuite } from './suite.ts'

/** A spawner with so many threads, and one other node. */
function pair(report: Report, threads: number): Executor {
  const spawner = new StandNode({ place: 0, threads })
  const node = new StandNode({ place: 1 })
  spawner.join(node)
  return spawner.executor(report, [node])
}

t.test('ClusterExecutor, everything at the other node', (t) => {
  executorSuite(t, (report) => pair(report, 0))
  t.end()
})

t.test('ClusterExecutor, here and there', (t) => {
  executorSuite(t, (report) => pair(report, 2))
  t.end()
})
