/**
 * At a node the application's modules lie in a bundle's folder. Between processes a function has
 * the address that it has at the spawner, so it is translated here, in both directions.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { GoawayError } from '../errors.ts'

interface Code {
  /** By the module's URL at the spawner, the URL of its file here. */
  readonly files: ReadonlyMap<string, string>
  /** The other way round. */
  readonly modules: ReadonlyMap<string, string>
}

let folder: string | undefined
let known: Code | undefined

/**
 * From now on this thread takes the application's modules from the bundle in the folder. Whether
 * there is one is seen when a routine needs a module, which then fails with
 * ERR_GOAWAY_MODULE_LOAD.
 */
export function useCode(directory: string): void {
  folder = directory
  known = undefined
  // Stacks are to name the application's own lines.
  process.setSourceMapsEnabled(true)
}

function codeOf(directory: string): Code {
  if (known !== undefined) return known
  const described = readCode(directory)
  const files = new Map<string, string>()
  const modules = new Map<string, string>()
  for (const [url, path] of Object.entries(described.modules)) {
    const file = pathToFileURL(join(directory, path)).href
    files.set(url, file)
    modules.set(file, url)
  }
  known = { files, modules }
  return known
}

function readCode(directory: string): { readonly modules: Readonly<Record<string, string>> } {
  try {
    return JSON.parse(readFileSync(join(directory, 'code.json'), 'utf8'))
  } catch (cause) {
    const why = `Cannot use the code in ${directory}: ${(cause as Error).message}`
    throw new GoawayError('ERR_GOAWAY_MODULE_LOAD', why, { cause })
  }
}

/** Whether this thread runs a bundle, in which functions have another text than at the spawner. */
export function isBundled(): boolean {
  return folder !== undefined
}

/** What to import for a module of the application; the URL itself where there is no bundle. */
export function bundledFile(url: string): string {
  if (folder === undefined || !url.startsWith('file:')) return url
  const { files } = codeOf(folder)
  const { module, query } = splitUrl(url)
  const file = files.get(module) ?? files.get(plainUrl(module))
  if (file !== undefined) return file + query
  throw new GoawayError(
    'ERR_GOAWAY_MODULE_LOAD',
    `cannot load module ${module} on this node: it is not in the application's bundle, because ` +
      'no import of the program names it by a literal; import it somewhere, or name it in ' +
      'init({ modules })',
  )
}

/** The URL at the spawner of a module that runs here; itself where there is no bundle. */
export function spawnerModule(url: string): string {
  if (folder === undefined) return url
  const { modules } = codeOf(folder)
  const { module, query } = splitUrl(url)
  const own = modules.get(module) ?? modules.get(plainUrl(module))
  return own === undefined ? url : own + query
}

function splitUrl(url: string): { readonly module: string; readonly query: string } {
  const at = url.search(/[?#]/)
  return at === -1 ? { module: url, query: '' } : { module: url.slice(0, at), query: url.slice(at) }
}

/** Node and V8 do not encode all characters of a path alike. */
function plainUrl(url: string): string {
  try {
    return pathToFileURL(fileURLToPath(url)).href
  } catch {
    return url
  }
}
