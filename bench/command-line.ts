/** What `all.ts` and `gate.ts` are given: names of parts, and options. */
import process from 'node:process'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { type Part, partsNamed } from './parts.ts'

export interface Given {
  readonly parts: readonly Part[]
  readonly values: Readonly<Record<string, unknown>>
}

/** Ends the program with exit code 2 if there is anything that it does not know. */
export function commandLine(options: NonNullable<ParseArgsConfig['options']>): Given {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options })
    return { parts: partsNamed(positionals), values }
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

export function refuse(message: string): never {
  console.error(message)
  process.exit(2)
}
