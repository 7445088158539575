/**
 * The matrix of `goaway bench`, as a part of the benches: what its command measures, on node
 * processes of this machine.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { BenchReport } from '../lib/bench/report-data.ts'
import { isQuick } from './part.ts'
import { report } from './report.ts'

const bin = fileURLToPath(new URL('../../bin/goaway.js', import.meta.url))
const options = ['bench', '--json', ...(isQuick ? ['--quick'] : [])]
// A cluster of the user's is for the user's own runs.
const env = { ...process.env, GOAWAY_CLUSTER: '' }
const child = spawn(process.execPath, [bin, ...options], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env,
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal))
const [output, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')])
if (code !== 0)
  throw new Error(`Cannot measure the matrix: goaway bench ended with ${code ?? signal}`)
const { cells, limits, leftOut } = JSON.parse(output) as BenchReport
console.log(`${cells.length} cells: see them in the report`)
report('matrix', [], { cells, limits, leftOut })
