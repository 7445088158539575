/** Which options Node needs to run a program that may be TypeScript. */
import { createRequire } from 'node:module'
import { extname } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { GoawayError } from '../errors.ts'

const typescript = new Set(['.ts', '.mts', '.cts', '.tsx'])
/**
 * The first Node that runs TypeScript as it stands and knows `using`, which programs of ours have.
 */
const nativeMajor = 24

/**
 * Options for Node that make it run the program. Node 24 runs TypeScript by itself. An older one
 * takes the `tsx` that the application has, and falls back to itself where it is new enough to
 * strip types.
 *
 * @throws {GoawayError} ERR_GOAWAY_CONFIG when this Node cannot run the program
 */
export function loaderOptions(program: string): string[] {
  const extension = extname(program)
  if (!typescript.has(extension)) return []
  const native = stripsTypes() && extension !== '.tsx'
  const major = Number.parseInt(process.versions.node, 10)
  if (native && major >= nativeMajor) return []
  const tsx = findTsx(program)
  if (tsx !== undefined) return [`--import=${tsx}`]
  if (native) return []
  throw new GoawayError(
    'ERR_GOAWAY_CONFIG',
    `Cannot run ${program}: Node ${process.versions.node} does not run TypeScript by itself, and ` +
      "the program's folder has no tsx; run " +
      `"npm install --save-dev tsx" there, or use Node ${nativeMajor}`,
  )
}

function stripsTypes(): boolean {
  return Boolean((process.features as { typescript?: unknown }).typescript)
}

/** The application's own tsx, as a URL for `--import`. */
function findTsx(program: string): string | undefined {
  try {
    return pathToFileURL(createRequire(program).resolve('tsx')).href
  } catch {
    return undefined
  }
}
