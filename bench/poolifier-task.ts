/** The trivial job as poolifier takes it. */
import { loadPeer } from './peer-packages.ts'
import trivial from './trivial-task.ts'

interface PoolifierModule {
  readonly ThreadWorker: new (run: (value: number) => number) => object
}

const { ThreadWorker } = loadPeer('poolifier') as PoolifierModule
export default new ThreadWorker(trivial)
