/**
 * Replicas in shared memory, beside what bounds them: `node dist/bench/memory.js`. Prints a table
 * and writes JSON.
 */
import { cachedReads, firstReads, kinds, memoryOfReplica } from './replicas.ts'
import { report } from './report.ts'

const targets = [await cachedReads()]
for (const [name, of] of Object.entries(kinds)) targets.push(...(await firstReads(name, of)))
for (const [name, of] of Object.entries(kinds)) targets.push(memoryOfReplica(name, of))
report('memory', targets)
