/** What the bundler wants to know of a file's package: its folder, and whether it can travel. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'

export interface PackageFacts {
  readonly name: string
  readonly folder: string
  /** It has parts that were built for one system, so that each node needs its own. */
  readonly native: boolean
  readonly optionalNames: ReadonlySet<string>
}

interface PackageFile {
  readonly name?: unknown
  readonly type?: unknown
  readonly gypfile?: unknown
  readonly binary?: unknown
  readonly os?: unknown
  readonly cpu?: unknown
  readonly dependencies?: Record<string, unknown>
  readonly optionalDependencies?: Record<string, unknown>
  readonly peerDependenciesMeta?: Record<string, { readonly optional?: unknown } | undefined>
}

const modulesPart = `${sep}node_modules${sep}`

/** Packages whose only use is to find a package's native part. */
const nativeLoaders = [
  'bindings',
  'node-gyp-build',
  'node-gyp-build-optional-packages',
  'node-pre-gyp',
  '@mapbox/node-pre-gyp',
  'prebuild-install',
]

export function isInPackages(path: string): boolean {
  return path.includes(modulesPart)
}

/** `pkg/part` and `@scope/pkg/part` are of `pkg` and `@scope/pkg`. */
export function packageNameOf(specifier: string): string | undefined {
  return /^(@[^/]+\/[^/]+|[^./@#][^/]*)(\/|$)/.exec(specifier)?.[1]
}

export class PackageReader {
  readonly #facts = new Map<string, PackageFacts>()
  readonly #files = new Map<string, PackageFile | undefined>()

  /** Of a file in a node_modules folder: the innermost one counts. */
  factsOf(path: string): PackageFacts {
    const start = path.lastIndexOf(modulesPart) + modulesPart.length
    const parts = path.slice(start).split(sep)
    const name = parts.slice(0, parts[0]?.startsWith('@') ? 2 : 1)
    const folder = path.slice(0, start) + name.join(sep)
    const known = this.#facts.get(folder)
    if (known !== undefined) return known
    const file = this.#read(folder) ?? {}
    const optionalPeers = Object.entries(file.peerDependenciesMeta ?? {})
      .filter(([, meta]) => meta?.optional === true)
      .map(([peer]) => peer)
    const facts = {
      name: name.join('/'),
      folder,
      native: isNative(folder, file),
      optionalNames: new Set([...Object.keys(file.optionalDependencies ?? {}), ...optionalPeers]),
    }
    this.#facts.set(folder, facts)
    return facts
  }

  /** The package.json that says what a `.js` file is, and whether it is a module. */
  nearest(path: string): { readonly file: string; readonly isModule: boolean } | undefined {
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      const found = this.#read(folder)
      if (found !== undefined) {
        return { file: join(folder, 'package.json'), isModule: found.type === 'module' }
      }
      if (folder === dirname(folder)) return undefined
    }
  }

  #read(folder: string): PackageFile | undefined {
    if (!this.#files.has(folder)) this.#files.set(folder, readPackage(folder))
    return this.#files.get(folder)
  }
}

function readPackage(folder: string): PackageFile | undefined {
  try {
    const data: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return typeof data === 'object' && data !== null ? data : {}
  } catch {
    return undefined
  }
}

function isNative(folder: string, file: PackageFile): boolean {
  if (file.gypfile === true || file.binary !== undefined) return true
  // `["any"]` and `["!win32"]` say nothing of a native part.
  const systems = [file.os, file.cpu].flat().filter((each) => typeof each === 'string')
  if (systems.some((each) => each !== 'any' && !each.startsWith('!'))) return true
  if (nativeLoaders.some((loader) => file.dependencies?.[loader] !== undefined)) return true
  return ['binding.gyp', 'prebuilds'].some((name) => existsSync(join(folder, name)))
}
