/**
 * A process that has nothing but a bundle: runs functions of it as a thread of a node would, and
 * prints what came of them.
 */
import process from 'node:process'
import { useCode } from '../../lib/client/bundled.ts'
import { locate } from '../../lib/client/locate.ts'
import { resolveFunction } from '../../lib/executor/resolve-function.ts'
import type { FunctionAddress } from '../../lib/wire/messages.ts'

export interface Call {
  readonly module: string
  readonly name: string
  readonly exportName?: string
  readonly args?: readonly unknown[]
}

export interface Returned {
  readonly value?: unknown
  /** Where other processes find the function that ran; '' if nowhere. */
  readonly module?: string
  readonly exportName?: string | undefined
  readonly error?: { readonly code: unknown; readonly message: string; readonly stack: string }
}

interface Request {
  readonly folder: string
  readonly calls: readonly Call[]
}

async function answer({ module, name, exportName, args = [] }: Call): Promise<Returned> {
  const address: FunctionAddress = {
    key: `${module}#${name}#${exportName}`,
    module,
    name,
    ...(exportName === undefined ? {} : { exportName }),
    line: 3,
    column: 7,
    fingerprint: 'of another text',
    kind: 'function',
  }
  try {
    const fn = await resolveFunction(address)
    const value = await fn(...args)
    // One that another function has led to is located, not remembered.
    const found = typeof value === 'function' ? locate(value) : locate(fn)
    return { value, module: found.module, exportName: found.exportName }
  } catch (error) {
    const { code, message, stack = '' } = error as Error & { code?: unknown }
    return { error: { code, message, stack } }
  }
}

const { folder, calls } = JSON.parse(process.argv[2] ?? '') as Request
useCode(folder)
const results: Returned[] = []
for (const call of calls) results.push(await answer(call))
console.log(JSON.stringify(results))
