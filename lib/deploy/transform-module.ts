/**
 * Makes JavaScript for Node of one own module: types go, JSX and decorators become calls, imports
 * point to where the files lie in the bundle. Otherwise a module stays what it was, one file in its
 * old place, so that order of evaluation, cycles, live bindings and top-level await are Node's own.
 */
import { readFile } from 'node:fs/promises'
import { dirname, extname, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Loader, TransformOptions } from 'esbuild'
import { getTsconfig, type TsConfigResult } from 'get-tsconfig'
import { findSpecifiers, type ScriptFacts, type Specifier } from './find-specifiers.ts'
import type { PackageReader } from './package-facts.ts'
import { bundleError, type Resolved } from './trace-modules.ts'

/** One own module as JavaScript, its imports not yet rewritten. */
export interface TransformedModule {
  readonly path: string
  readonly code: string
  readonly facts: ScriptFacts | undefined
  /** What its file's name gets in the bundle: `.js` says by its package.json what it is. */
  readonly suffix: '' | '.mjs' | '.cjs'
}

const loaders: Readonly<Record<string, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.jsx': 'jsx',
}
/** The oldest Node that a cluster may have. */
const target = 'node20.19'
const mapComment = /^[ \t]*\/\/[#@] sourceMappingURL=(\S+)[ \t]*$/gm

const configs = new Map<string, unknown>()

/** @throws {GoawayError} ERR_GOAWAY_BUNDLE with file and line */
export async function transformModule(
  path: string,
  packages: PackageReader,
): Promise<TransformedModule> {
  const { transform } = await import('esbuild')
  const extension = extname(path)
  const source = await withMap(path, await readFile(path, 'utf8'))
  const options: TransformOptions = {
    loader: loaders[extension] ?? 'js',
    platform: 'node',
    target,
    sourcefile: pathToFileURL(path).href,
    sourcemap: 'inline',
    // The source stays where it is; a stack needs lines alone.
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'silent',
    ...settingsFor(path),
  }
  const run = async (more: TransformOptions): Promise<string> => {
    try {
      return (await transform(source, { ...options, ...more })).code
    } catch (error) {
      throw bundleError(error, path)
    }
  }
  if (extension === '.cts') {
    const code = await run({ format: 'cjs' })
    return { path, code, facts: findSpecifiers(code), suffix: '.cjs' }
  }
  const code = await run({})
  const facts = findSpecifiers(code)
  if (/^\.[cm]?js$/.test(extension)) return { path, code, facts, suffix: '' }
  const isModule =
    extension === '.mts' ||
    facts?.isModule === true ||
    facts?.moduleOnly === true ||
    packages.nearest(path)?.isModule === true
  if (!isModule) return { path, code, facts, suffix: '.cjs' }
  // Module syntax that is meant for CommonJS, as tsc makes it of such files.
  const isMixed = facts?.namesCommonJs === true && !facts.moduleOnly && extension !== '.mts'
  if (!isMixed || packages.nearest(path)?.isModule === true) {
    return { path, code, facts, suffix: '.mjs' }
  }
  const mixed = await run({ format: 'cjs' })
  return { path, code: mixed, facts: findSpecifiers(mixed), suffix: '.cjs' }
}

/** What the application's tsconfig says of decorators, fields and JSX. */
function settingsFor(path: string): TransformOptions {
  const folder = dirname(path)
  if (!configs.has(folder)) configs.set(folder, optionsOf(getTsconfig(folder)))
  const compilerOptions = configs.get(folder) as { readonly jsx?: string } | undefined
  if (compilerOptions === undefined) return {}
  return {
    tsconfigRaw: { compilerOptions: compilerOptions as object },
    // Node does not read what `preserve` leaves.
    ...(compilerOptions.jsx?.toLowerCase() === 'preserve' ? { jsx: 'automatic' } : {}),
  }
}

function optionsOf(found: TsConfigResult | null): unknown {
  return found?.config.compilerOptions
}

/** A module that a compiler made: its map goes on to the sources, wherever the file lies. */
async function withMap(path: string, source: string): Promise<string> {
  const last = [...source.matchAll(mapComment)].at(-1)
  const url = last?.[1]
  if (last === undefined || url === undefined || url.startsWith('data:')) return source
  try {
    const mapPath = resolve(dirname(path), decodeURIComponent(url))
    const map = JSON.parse(await readFile(mapPath, 'utf8'))
    const root = resolve(dirname(mapPath), map.sourceRoot ?? '')
    map.sources = map.sources.map((each: string) =>
      /^[a-z]+:/.test(each) ? each : pathToFileURL(resolve(root, decodeURIComponent(each))).href,
    )
    delete map.sourceRoot
    delete map.sourcesContent
    const data = Buffer.from(JSON.stringify(map)).toString('base64')
    const comment = `//# sourceMappingURL=data:application/json;base64,${data}`
    return source.slice(0, last.index) + comment + source.slice(last.index + last[0].length)
  } catch {
    // A map that is not there or not readable: the lines of the file itself will do.
    return source.slice(0, last.index) + source.slice(last.index + last[0].length)
  }
}

export interface RewriteContext {
  resolve(specifier: Specifier): Resolved | undefined
  /** Where a file lies in the bundle. */
  outputOf(path: string): string
  /** Where the module that is rewritten lies. */
  readonly output: string
  /** A module that gives this JSON file to those who import it without attributes. */
  wrapperOf(jsonPath: string): string
}

export function rewriteImports(module: TransformedModule, context: RewriteContext): string {
  let code = ''
  let at = 0
  const specifiers = module.facts?.specifiers ?? []
  for (const specifier of specifiers.toSorted((one, other) => one.start - other.start)) {
    const to = rewritten(specifier, context)
    if (to === undefined) continue
    code += module.code.slice(at, specifier.start) + JSON.stringify(to)
    at = specifier.end
  }
  return code + module.code.slice(at)
}

function rewritten(specifier: Specifier, context: RewriteContext): string | undefined {
  const found = context.resolve(specifier)
  if (found === undefined) return undefined
  if (found.isName) return found.path
  const { kind, hasAttributes } = specifier
  const isBareJson = kind === 'import' && !hasAttributes && extname(found.path) === '.json'
  const target = isBareJson ? context.wrapperOf(found.path) : context.outputOf(found.path)
  const path = relative(dirname(context.output), target)
  const relativePath = path.startsWith('.') ? path : `./${path}`
  if (kind === 'require') return relativePath
  const encoded = relativePath.split('/').map(encodeURIComponent).join('/')
  return `${encoded}${found.suffix}`
}
