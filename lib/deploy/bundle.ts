/**
 * Makes of an application what is sent to nodes: its own modules as JavaScript, the files it uses
 * of its packages, and its assets, all of them where they are at the spawner, relative to each
 * other.
 *
 * Each module stays a file, so that each can be imported alone, as a pool thread does. What comes
 * out depends on the application's files alone: the same program has the same hash.
 */
import { readFileSync, statSync } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, extname, join, relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { glob } from 'tinyglobby'
import { GoawayError } from '../errors.ts'
import { codeFileBytesMax } from '../limits.ts'
import type { CodeFile, CodeManifest } from '../wire/messages.ts'
import { libraryModule, libraryName } from './library-modules.ts'
import { filesFolder, hashOf, makeManifest, moduleKey } from './manifest.ts'
import { isInPackages, PackageReader } from './package-facts.ts'
import { packageFiles } from './package-files.ts'
import { linksBetween } from './package-links.ts'
import { stopEsbuild, type Trace, traceModules } from './trace-modules.ts'
import { rewriteImports, type TransformedModule, transformModule } from './transform-module.ts'

export interface BundlerOptions {
  /** Path of the program. */
  readonly entry?: string | undefined
  /** Further modules, by URL. */
  readonly modules?: readonly string[] | undefined
  /** Folder in which the patterns of `assets` start. */
  readonly root: string
  readonly assets?: readonly string[] | undefined
  /** Packages that nodes have of their own. */
  readonly externals?: readonly string[] | undefined
}

export interface CodeBundle {
  readonly manifest: CodeManifest
  /** Content of a file of the manifest. */
  read(hash: string): Uint8Array | Promise<Uint8Array>
}

/** Read at a time: more gain nothing, and take descriptors from the program. */
const readsAtOnce = 16

/** Of this thread: the process that esbuild works in is to end with the last. */
let building = 0

export class Bundler {
  readonly #options: BundlerOptions

  constructor(options: BundlerOptions) {
    this.#options = options
  }

  /**
   * Bundles the files as they are now.
   *
   * @param extraModules URLs of modules that nothing imports by a literal
   * @throws {GoawayError} ERR_GOAWAY_BUNDLE with file and line if a module cannot be read
   */
  async build(extraModules: readonly string[] = []): Promise<CodeBundle> {
    building++
    try {
      return await this.#build(extraModules)
    } finally {
      building--
      if (building === 0) await stopEsbuild()
    }
  }

  async #build(extraModules: readonly string[]): Promise<CodeBundle> {
    const { entry, modules = [], assets = [], externals = [] } = this.#options
    const packages = new PackageReader()
    const entries = new Set<string>()
    if (entry !== undefined) entries.add(await pathOfProgram(entry))
    for (const url of [...modules, ...extraModules]) entries.add(await pathOfModule(url))
    const library = [...entries].map(libraryModule).filter((module) => module !== undefined)
    const trace = await traceModules({
      entries: [...entries].filter((path) => libraryModule(path) === undefined).toSorted(),
      externals,
      packages,
      libraryName,
    })
    const root = await realpath(this.#options.root)
    const transformed = await inTurns([...trace.own].toSorted(), (path) =>
      transformModule(path, packages),
    )
    const others = new Set([...trace.others, ...(await packageFiles(trace, packages))])
    for (const path of trace.own) {
      const nearest = packages.nearest(path)
      if (nearest !== undefined) others.add(nearest.file)
    }
    const found = await assetsOf(root, assets)
    const all = [...trace.own, ...others, ...found]
    const draft = new Draft(commonFolder(all))
    draft.addModules(transformed, trace)
    for (const { path, name } of library) if (name !== undefined) draft.addLibrary(path, name)
    await inTurns([...others, ...found].toSorted(), (path) => draft.addFile(path))
    return draft.finish(trace, packages)
  }
}

/** A bundle that grows. */
class Draft {
  readonly #base: string
  readonly #files = new Map<string, CodeFile>()
  readonly #modules: Record<string, string> = {}
  /** Content that is on no disk, and where the rest is. */
  readonly #contents = new Map<string, Uint8Array | string>()
  readonly #outputs = new Map<string, string>()

  constructor(base: string) {
    this.#base = base
  }

  addModules(modules: readonly TransformedModule[], trace: Trace): void {
    for (const { path, suffix } of modules) this.#outputs.set(path, this.#place(path) + suffix)
    for (const module of modules) {
      const output = this.#outputOf(module.path)
      const code = rewriteImports(module, {
        output,
        // An import of a module that became CommonJS is a call of require by now.
        resolve: ({ kind, text }) =>
          trace.resolve(module.path, kind, text) ?? trace.resolve(module.path, 'import', text),
        outputOf: (path) => this.#outputOf(path),
        wrapperOf: (path) => this.#addWrapper(path),
      })
      this.#addContent(output, Buffer.from(code))
      this.#modules[pathToFileURL(module.path).href] = output
    }
  }

  /** A module of this library, which the node has: whoever imports it gets the node's own. */
  addLibrary(path: string, name: string): void {
    const output = [filesFolder, `${name.replaceAll('/', '-')}.mjs`].join('/')
    this.#addContent(output, Buffer.from(`export * from ${JSON.stringify(name)}\n`))
    this.#modules[pathToFileURL(path).href] = output
  }

  /** As it is; an own module's text has come before it. */
  async addFile(path: string): Promise<void> {
    const output = this.#place(path)
    if (this.#files.has(output)) return
    const bytes = isPackageFile(path) ? await readPackageFile(path) : await readFile(path)
    if (bytes.length > codeFileBytesMax) {
      throw new GoawayError(
        'ERR_GOAWAY_BUNDLE',
        `Cannot bundle ${path}: it has ${bytes.length} bytes, of ${codeFileBytesMax} at most; ` +
          'put it on the nodes by other means',
      )
    }
    const hash = hashOf(bytes)
    this.#files.set(output, { path: output, hash, bytes: bytes.length })
    const isOnDisk = !isPackageFile(path)
    if (!this.#contents.has(hash)) this.#contents.set(hash, isOnDisk ? path : bytes)
    const isCode = /^\.[cm]?js$/.test(extname(path)) && isInPackages(path)
    if (isCode) this.#modules[pathToFileURL(path).href] = output
  }

  finish(trace: Trace, packages: PackageReader): CodeBundle {
    const place = (path: string): string => this.#place(path)
    const manifest = makeManifest({
      files: [...this.#files.values()],
      modules: this.#modules,
      externals: [...trace.externals],
      optional: [...trace.optional],
      links: linksBetween(trace, packages, place),
    })
    const contents = this.#contents
    return { manifest, read: (hash) => readContent(contents, hash) }
  }

  #outputOf(path: string): string {
    return this.#outputs.get(path) ?? this.#place(path)
  }

  #place(path: string): string {
    return [filesFolder, ...relative(this.#base, path).split(sep)].join('/')
  }

  #addContent(path: string, bytes: Uint8Array): void {
    const hash = hashOf(bytes)
    this.#files.set(path, { path, hash, bytes: bytes.length })
    this.#contents.set(hash, bytes)
  }

  /** Node imports JSON only with attributes; loaders such as tsx do without, and bind its keys. */
  #addWrapper(path: string): string {
    const json = this.#place(path)
    const wrapper = `${json}.mjs`
    if (this.#files.has(wrapper)) return wrapper
    const name = JSON.stringify(`./${json.slice(json.lastIndexOf('/') + 1)}`)
    const lines = [
      "import { createRequire } from 'node:module'",
      `const data = createRequire(import.meta.url)(${name})`,
      'export default data',
      ...keysOf(path).map((key, n) => `const v${n} = data.${key}\nexport { v${n} as ${key} }`),
    ]
    this.#addContent(wrapper, Buffer.from(`${lines.join('\n')}\n`))
    return wrapper
  }
}

function keysOf(path: string): string[] {
  try {
    const data: unknown = JSON.parse(readFileSync(path, 'utf8'))
    const isRecord = typeof data === 'object' && data !== null && !Array.isArray(data)
    const keys = isRecord ? Object.keys(data) : []
    return keys.filter((key) => key !== 'default' && /^[a-z_$][\w$]*$/i.test(key))
  } catch {
    return []
  }
}

/** As `node app` and `node .` find it. */
async function pathOfProgram(entry: string): Promise<string> {
  try {
    const isFile = statSync(entry, { throwIfNoEntry: false })?.isFile() === true
    return await realpath(isFile ? entry : createRequire(entry).resolve(entry))
  } catch (cause) {
    throw new GoawayError('ERR_GOAWAY_BUNDLE', `Cannot bundle ${entry}: there is no such program`, {
      cause,
    })
  }
}

async function pathOfModule(url: string): Promise<string> {
  try {
    return await realpath(fileURLToPath(moduleKey(url)))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new GoawayError('ERR_GOAWAY_BUNDLE', `Cannot bundle module ${url}: ${why}`, { cause })
  }
}

async function assetsOf(root: string, patterns: readonly string[]): Promise<string[]> {
  if (patterns.length === 0) return []
  const found = await glob([...patterns], { cwd: root, absolute: true, onlyFiles: true, dot: true })
  return Promise.all(found.map((path) => join(path)))
}

function isPackageFile(path: string): boolean {
  return basename(path) === 'package.json' && !isInPackages(path)
}

/** In the package of this library, its name would lead to itself instead of to the node's copy. */
async function readPackageFile(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path)
  const { name, type } = JSON.parse(bytes.toString('utf8')) as { name?: string; type?: string }
  return name === 'goaway' ? Buffer.from(JSON.stringify({ type })) : bytes
}

async function readContent(
  contents: ReadonlyMap<string, Uint8Array | string>,
  hash: string,
): Promise<Uint8Array> {
  const content = contents.get(hash)
  if (content === undefined) throw new TypeError(`No file of this bundle has the hash ${hash}`)
  if (typeof content !== 'string') return content
  const bytes = await readFile(content)
  if (hashOf(bytes) === hash) return bytes
  throw new GoawayError(
    'ERR_GOAWAY_BUNDLE',
    `Cannot send ${content}: it was changed since the program started; start it again`,
  )
}

/** The folder that all of them are in, and all the packages with their `node_modules`. */
function commonFolder(paths: readonly string[]): string {
  let common: string[] | undefined
  for (const path of paths) {
    const modules = path.indexOf(`${sep}node_modules${sep}`)
    const parts = (modules === -1 ? dirname(path) : path.slice(0, modules)).split(sep)
    const before: string[] = common ?? parts
    const differs = before.findIndex((part, at) => part !== parts[at])
    common = differs === -1 ? before : before.slice(0, differs)
  }
  return common === undefined || common.join('') === '' ? sep : common.join(sep)
}

/** In the order given, some at a time. */
async function inTurns<Item, Result>(
  items: readonly Item[],
  act: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (let at = 0; at < items.length; at += readsAtOnce) {
    results.push(...(await Promise.all(items.slice(at, at + readsAtOnce).map(act))))
  }
  return results
}
