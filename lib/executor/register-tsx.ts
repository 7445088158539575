/**
 * On Node 20 and 22 tsx does not register itself in worker threads, so a program that was started
 * with `node --import tsx` could not be loaded in ours. From 24.12 on it does so for certain; where
 * both of us do, its second registration changes nothing.
 *
 * This cannot wait for a failure: Node 20 remembers a failed import and repeats its error.
 */
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { isMainThread } from 'node:worker_threads'

/** `tsx`, `tsx/esm` or a file of the package, as the command `tsx` names it. */
const tsxOption = /(?:^|=)(tsx(?:\/\w+)?|(?:file:)?\/\S*\/tsx\/dist\/\S+)$/

/** Registers tsx in this thread if the process was started with it and it has not done so. */
export async function registerTsx(): Promise<void> {
  if (isMainThread || registersItself()) return
  const specifier = findTsx([...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(' ')])
  if (specifier === undefined) return
  try {
    const base = /^(?:file:)?\//.test(specifier) ? specifier : resolve('noop.js')
    const path = createRequire(base).resolve('tsx/esm/api')
    // `require` gives the CommonJS twin, which does not find its own hooks.
    const { register } = await import(path.replace(/\.cjs$/, '.mjs'))
    register()
  } catch {
    // The error of the application's module, which follows, says more than this one.
  }
}

function registersItself(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 24 || (major === 24 && minor >= 12)
}

function findTsx(options: readonly string[]): string | undefined {
  for (const option of options) {
    const specifier = tsxOption.exec(option)?.[1]
    if (specifier !== undefined) return specifier
  }
  return undefined
}
