/** The trivial job as workerpool takes it. */
import { loadPeer } from './peer-packages.ts'
import trivial from './trivial-task.ts'

interface WorkerpoolModule {
  worker(functions: Readonly<Record<string, unknown>>): void
}

const workerpool = loadPeer('workerpool') as WorkerpoolModule
workerpool.worker({ trivial })
