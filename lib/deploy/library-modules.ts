/**
 * Modules of this library, as an application's code meets them. They stay out of its bundle: each
 * node has the library, in the same version.
 */
import { dirname, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** From `lib`, `dist/lib` or `dist/bundle`, one folder deep. */
const libraryFolder = fileURLToPath(new URL('..', import.meta.url))
const libraryRoot = dirname(dirname(libraryFolder))

/** What a node's copy of the library answers to, by the files that are imported for it. */
export const libraryFiles: Readonly<Record<string, string>> = {
  goaway: 'index.js',
  'goaway/sync': 'sync.js',
  // Routines of `goaway bench`, which runs them on nodes as programs run theirs.
  'goaway/matrix-routines': 'bench/matrix-routines.js',
}

/** The name under which a node has the module; undefined for all that belong to applications. */
export function libraryName(path: string): string | undefined {
  const part = partOfLibrary(path)
  const file = /^(?:dist\/)?(?:lib|bundle)\/(.*)\.[jt]s$/.exec(part)?.[1]
  const known = Object.keys(libraryFiles).find((name) => libraryFiles[name] === `${file}.js`)
  return file === undefined ? undefined : known
}

/** A module that is the library's own, such as its command line; nothing of it has to travel. */
export function libraryModule(
  path: string,
): { readonly path: string; readonly name: string | undefined } | undefined {
  const isOwn = /^(?:bin|dist\/(?:lib|bundle))\//.test(partOfLibrary(path))
  return isOwn ? { path, name: libraryName(path) } : undefined
}

/** Applications in this library's own folders import it by path. */
function partOfLibrary(path: string): string {
  const isInside = path.startsWith(libraryRoot + sep)
  return isInside ? path.slice(libraryRoot.length + 1).replaceAll(sep, '/') : ''
}
