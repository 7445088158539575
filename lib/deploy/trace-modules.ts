/**
 * Finds what an application is made of: its own modules, and what it reaches of the packages it
 * uses. esbuild walks the imports, because it knows TypeScript's ways of naming a file; what it
 * would bundle is thrown away.
 *
 * Own is every module that is not in a node_modules folder.
 */
import { statSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, extname, parse, resolve } from 'node:path'
import type {
  Message,
  OnLoadResult,
  OnResolveArgs,
  OnResolveResult,
  Plugin,
  PluginBuild,
} from 'esbuild'
import { GoawayError } from '../errors.ts'
import { isInPackages, type PackageReader, packageNameOf } from './package-facts.ts'

/** Whether an import runs as `import` or as `require` decides which file a package answers with. */
export type ImportKind = 'import' | 'require'

export interface Resolved {
  readonly path: string
  /** Query and fragment. */
  readonly suffix: string
  /** The path is no file, but the name to import instead. */
  readonly isName: boolean
}

export interface Trace {
  readonly own: ReadonlySet<string>
  /** Files of packages, and what is imported without being code. */
  readonly others: ReadonlySet<string>
  readonly externals: ReadonlySet<string>
  /** Externals that their only importers can do without. */
  readonly optional: ReadonlySet<string>
  resolve(importer: string, kind: ImportKind, specifier: string): Resolved | undefined
  /** Who imports what from which package. */
  readonly packageImports: readonly PackageImport[]
}

export interface PackageImport {
  readonly importer: string
  readonly name: string
  readonly path: string
}

export interface TraceOptions {
  readonly entries: readonly string[]
  readonly externals: readonly string[]
  readonly packages: PackageReader
  /** The name by which nodes know the file, if it is of this library itself, which they have. */
  libraryName(path: string): string | undefined
}

/** What esbuild reads by itself; the rest is carried as it is. */
const codeExtensions = /^\.([cm]?[jt]s|[jt]sx|json)$/
export const ownExtensions = /^\.([cm]?[jt]s|[jt]sx)$/

/** A package that cannot be read stays external, and the rest is tried again. */
const attemptsMax = 8
const asked = Symbol('asked by this plugin')
const rootFolder = parse(resolve('.')).root

/** Ends the process that esbuild works in; it starts again where there is more to do. */
export async function stopEsbuild(): Promise<void> {
  const { stop } = await import('esbuild')
  await stop()
}

/** @throws {GoawayError} ERR_GOAWAY_BUNDLE with file and line if an own module cannot be read */
export async function traceModules(options: TraceOptions): Promise<Trace> {
  if (options.entries.length === 0) return new Walk(options, new Set())
  const { build } = await import('esbuild')
  const externals = new Set(options.externals)
  for (let attempt = 1; ; attempt++) {
    const walk = new Walk(options, externals)
    try {
      await build({
        entryPoints: [...options.entries],
        // Messages name files from here on.
        absWorkingDir: rootFolder,
        bundle: true,
        write: false,
        outdir: dirname(options.entries[0] ?? ''),
        platform: 'node',
        format: 'esm',
        target: 'esnext',
        // What Node asks packages for, without esbuild's own wish for `module`.
        conditions: ['node-addons', 'module-sync'],
        logLevel: 'silent',
        // Tests whether a module is used have no place here: Node evaluates all that is imported.
        treeShaking: false,
        legalComments: 'none',
        plugins: [walk.plugin],
      })
      return walk
    } catch (error) {
      const broken = brokenPackages(error, options.packages)
      if (broken.length === 0 || attempt === attemptsMax) throw bundleError(error)
      for (const name of broken) externals.add(name)
    }
  }
}

class Walk implements Trace {
  readonly own = new Set<string>()
  readonly others = new Set<string>()
  readonly externals = new Set<string>()
  readonly optional = new Set<string>()
  readonly packageImports: PackageImport[] = []
  readonly plugin: Plugin
  readonly #options: TraceOptions
  readonly #kept: ReadonlySet<string>
  readonly #resolved = new Map<string, Resolved>()

  constructor(options: TraceOptions, kept: ReadonlySet<string>) {
    this.#options = options
    this.#kept = new Set(kept)
    for (const path of options.entries) this.#take(path)
    this.plugin = {
      name: 'goaway-trace',
      setup: (build) => {
        build.onResolve({ filter: /.*/ }, (found) => this.#onResolve(build, found))
        build.onLoad({ filter: /.*/ }, ({ path }) => this.#onLoad(path))
      },
    }
  }

  resolve(importer: string, kind: ImportKind, specifier: string): Resolved | undefined {
    return this.#resolved.get(keyOf(importer, kind, specifier))
  }

  #take(path: string): void {
    const isOwn = !isInPackages(path) && ownExtensions.test(extname(path))
    ;(isOwn ? this.own : this.others).add(path)
  }

  async #onResolve(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | undefined> {
    const { path: specifier, importer, kind, pluginData } = args
    if (pluginData === asked || kind === 'entry-point') return undefined
    const outside = { path: specifier, external: true }
    if (isBuiltin(specifier) || /^(data|https?|node):/.test(specifier)) return outside
    const name = packageNameOf(specifier)
    if (name === 'goaway') return outside
    if (name !== undefined && this.#kept.has(name)) return this.#keep(name, importer, outside)
    const near = isInPackages(importer) ? fileNear(importer, specifier) : undefined
    if (near !== undefined) {
      this.#take(near)
      return { path: near }
    }
    const { resolveDir, namespace } = args
    const options = { kind, importer, namespace, resolveDir, pluginData: asked }
    const found = await build.resolve(specifier, options)
    if (found.errors.length > 0) {
      // In packages these are imports for other systems, or of what is not installed. Of an own
      // module esbuild says it better, and knows what stands in a `try`.
      return isInPackages(importer) ? outside : undefined
    }
    if (found.external) return outside
    const { path, suffix } = found
    const asKind = kind === 'require-call' || kind === 'require-resolve' ? 'require' : 'import'
    const key = keyOf(importer, asKind, specifier)
    const library = this.#options.libraryName(path)
    if (library !== undefined) {
      this.#resolved.set(key, { path: library, suffix: '', isName: true })
      return outside
    }
    if (isInPackages(path)) {
      const facts = this.#options.packages.factsOf(path)
      const isSame = isInPackages(importer) && this.#isOf(importer, facts.folder)
      if (!isSame && (facts.native || extname(path) === '.node' || this.#kept.has(facts.name))) {
        return this.#keep(facts.name, importer, outside)
      }
      if (!isSame) this.packageImports.push({ importer, name: name ?? facts.name, path })
    }
    this.#resolved.set(key, { path, suffix, isName: false })
    this.#take(path)
    // Files that esbuild does not read would be errors to it.
    if (!codeExtensions.test(extname(path))) return outside
    return { path, suffix }
  }

  /**
   * For `import('./' + name)` esbuild comes with every file that there is below: which of them the
   * program means, it alone knows.
   */
  #onLoad(path: string): OnLoadResult | undefined {
    const isTaken = this.own.has(path) || this.others.has(path)
    return isTaken ? undefined : { contents: '', loader: 'empty' }
  }

  #isOf(path: string, folder: string): boolean {
    return this.#options.packages.factsOf(path).folder === folder
  }

  #keep(name: string, importer: string, outside: OnResolveResult): OnResolveResult {
    const isOptional =
      isInPackages(importer) && this.#options.packages.factsOf(importer).optionalNames.has(name)
    if (isOptional && !this.externals.has(name)) this.optional.add(name)
    if (!isOptional) {
      this.externals.add(name)
      this.optional.delete(name)
    }
    return outside
  }
}

/** A file of the same package by its path: most imports, and no need to ask esbuild. */
function fileNear(importer: string, specifier: string): string | undefined {
  if (!/^\.\.?\//.test(specifier)) return undefined
  const path = resolve(dirname(importer), specifier)
  return ['', '.js', '.json']
    .map((ending) => path + ending)
    .filter((file) => codeExtensions.test(extname(file)))
    .find((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
}

function keyOf(importer: string, kind: ImportKind, specifier: string): string {
  return `${kind}\0${importer}\0${specifier}`
}

function messagesOf(error: unknown): readonly Message[] {
  const errors: unknown = (error as { readonly errors?: unknown } | null)?.errors
  return Array.isArray(errors) ? (errors as Message[]) : []
}

function brokenPackages(error: unknown, packages: PackageReader): string[] {
  const files = messagesOf(error).map(({ location }) => resolve(rootFolder, location?.file ?? ''))
  if (!files.every(isInPackages)) return []
  return files.map((file) => packages.factsOf(file).name)
}

/** The first of esbuild's complaints: the others mostly follow from it. */
export function bundleError(cause: unknown, file?: string): GoawayError {
  const [first, ...rest] = messagesOf(cause)
  if (first === undefined) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const what = file === undefined ? 'the application' : file
    return new GoawayError('ERR_GOAWAY_BUNDLE', `Cannot bundle ${what}: ${why}`, { cause })
  }
  const { location, text } = first
  const named = location === null ? undefined : resolve(rootFolder, location.file)
  const where = [file ?? named, location?.line, location?.column].filter(
    (part) => part !== undefined,
  )
  const more = rest.length === 0 ? '' : ` (and ${rest.length} more)`
  return new GoawayError(
    'ERR_GOAWAY_BUNDLE',
    `Cannot bundle ${where.join(':') || 'the application'}: ${text}${more}`,
    { cause },
  )
}
