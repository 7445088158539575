/** What a report says of the machine that it was measured on. */
import { availableParallelism, cpus } from 'node:os'
import process from 'node:process'
import { libraryVersion } from '../deploy/library-version.ts'
import type { BenchMachine } from './report-data.ts'

export function benchMachine(): BenchMachine {
  return {
    goaway: libraryVersion,
    node: process.version,
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() || process.arch,
  }
}
