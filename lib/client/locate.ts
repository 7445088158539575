/**
 * Finds the module and the export that a function can be reached by from another thread, or refuses
 * it with what to do, before anything is queued.
 *
 * The rules: never import the caller's module here (while it is in a top-level await that import
 * never settles), never run code of the module (but for the getters among a CommonJS module's
 * exports), and where the answer is not certain, leave it to the thread that imports the module.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { types } from 'node:util'
import { GoawayError } from '../errors.ts'
import { analyseScript, type ScriptAnalysis, type Standing } from './analyse-script.ts'
import { isBundled, spawnerModule } from './bundled.ts'
import {
  type AddressPlace,
  type FunctionAddress,
  makeAddress,
  nameOf,
  type RoutineFunction,
  textOf,
} from './function-address.ts'
import { type FunctionPlace, inspectFunction, type Script } from './inspect-function.ts'
import {
  refuseBound,
  refuseBuiltin,
  refuseClass,
  refuseProxy,
  refuseSource,
  refuseStanding,
  refuseValue,
} from './refuse-function.ts'

export type { FunctionAddress } from './function-address.ts'

/** Scripts whose analysis is kept, as many as the inspector keeps sources of. */
const analysesMax = 64
/** Frames in which a module that registers itself is looked for. */
const framesMax = 100

const addresses = new WeakMap<RoutineFunction, FunctionAddress>()
const analyses = new Map<string, ScriptAnalysis | undefined>()
const require = createRequire(import.meta.url)

/**
 * The address of an exported function. The first call in a thread takes some 40 ms, one for another
 * function of the same module a third of a millisecond, one for the same function a Map look-up.
 *
 * @throws TypeError if `fn` is not a function.
 * @throws GoawayError `ERR_GOAWAY_FUNCTION_NOT_EXPORTED` if its module surely does not export it,
 * `ERR_GOAWAY_FUNCTION_NOT_FOUND` if it is a builtin or its source is no file.
 */
export function locate(fn: unknown): FunctionAddress {
  const known = addresses.get(fn as RoutineFunction)
  if (known !== undefined) return known
  const candidate = checkFunction(fn)
  const place = inspectFunction(candidate)
  if (place === undefined || place.script.name.startsWith('node:')) throw refuseBuiltin(candidate)
  const { script, line, column } = place
  if (!isFile(script)) throw refuseSource(candidate, script.name)
  const exportName = script.isModule
    ? exportOfModule(candidate, place)
    : exportOfCommonJs(candidate, place)
  const address = makeAddress(
    candidate,
    addressable({ module: script.url, exportName, line, column }),
  )
  addresses.set(candidate, address)
  return address
}

/** A bundle has another text, in which a function stands elsewhere. */
function addressable(at: AddressPlace): AddressPlace {
  if (!isBundled()) return at
  const { module, exportName } = at
  return { module: spawnerModule(module), exportName, line: -1, column: -1, fingerprint: '' }
}

/** Remembers where a function was found, so that routines of this thread can hand it on at once. */
export function rememberAddress(fn: RoutineFunction, address: FunctionAddress): void {
  if (!addresses.has(fn)) addresses.set(fn, address)
}

/**
 * Imports modules and remembers their exported functions, for programs in which the inspector
 * cannot serve. What is no URL is a path, or the name of a package where there is no such file.
 *
 * @param base a `file:` URL such as `import.meta.url`, or a folder, which paths start from.
 * @default base the current folder
 * @throws GoawayError `ERR_GOAWAY_MODULE_LOAD` if one of them cannot be loaded,
 * `ERR_GOAWAY_CONFIG` if one of them is the module that waits for this call.
 */
export async function registerModules(
  urlsOrPaths: readonly string[],
  base: string = process.cwd(),
): Promise<void> {
  const evaluating = evaluatingModules()
  const urls = urlsOrPaths.map((each) => moduleUrl(each, base))
  const own = urls.find((url) => evaluating.has(url))
  if (own !== undefined) {
    throw new GoawayError(
      'ERR_GOAWAY_CONFIG',
      `cannot register ${own} in init({ modules }): that module is waiting for this call, so it ` +
        'would never be loaded; put the functions into a module of their own',
    )
  }
  await Promise.all(urls.map(registerModule))
}

async function registerModule(module: string): Promise<void> {
  const namespace = await import(module).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new GoawayError('ERR_GOAWAY_MODULE_LOAD', `cannot load module ${module}: ${reason}`, {
      cause,
    })
  })
  for (const [exportName, fn] of exportedFunctions(namespace)) {
    rememberAddress(fn, makeAddress(fn, { module, exportName, line: -1, column: -1 }))
  }
}

/**
 * The functions that can be reached in a module: its exports and, because that is where the exports
 * of a CommonJS module are, the properties of its default.
 */
export function* exportedFunctions(namespace: object): Generator<[string, RoutineFunction]> {
  yield* functionsOf(namespace)
  const fallback: unknown = Reflect.get(namespace, 'default')
  if (typeof fallback === 'object' && fallback !== null) yield* functionsOf(fallback)
  if (isRoutineFunction(fallback)) yield* functionsOf(fallback)
}

function* functionsOf(holder: object): Generator<[string, RoutineFunction]> {
  for (const name of Object.keys(holder)) {
    const value = readProperty(holder, name)
    if (isRoutineFunction(value)) yield [name, value]
  }
}

/** A getter may throw, as those of a module that is being loaded do. */
function readProperty(holder: object, name: string): unknown {
  try {
    return Reflect.get(holder, name)
  } catch {
    return undefined
  }
}

function isRoutineFunction(value: unknown): value is RoutineFunction {
  return typeof value === 'function'
}

/** What can be told from the function alone. */
function checkFunction(fn: unknown): RoutineFunction {
  if (!isRoutineFunction(fn)) throw refuseValue(fn)
  if (types.isProxy(fn)) throw refuseProxy()
  const text = textOf(fn)
  if (/^class\b/.test(text)) throw refuseClass(fn)
  // No function of a program has this text: it would be a syntax error.
  if (/^function [^(]*\(\) \{ \[native code\] \}$/.test(text)) {
    throw nameOf(fn).startsWith('bound ') ? refuseBound(fn) : refuseBuiltin(fn)
  }
  return fn
}

/** Node gives the module of `--eval` and of standard input the URL of a file that is not there. */
function isFile({ url }: Script): boolean {
  if (!url.startsWith('file:')) return false
  return !/\/(\[|%5B)(eval|stdin)[^/]*$/.test(url) || existsSync(fileURLToPath(url))
}

function exportOfModule(fn: RoutineFunction, place: FunctionPlace): string | undefined {
  const standing = standingOf(place)
  if (standing.standing === 'exported') return standing.exportName
  if (standing.standing === 'undecided') return undefined
  throw refuseStanding(fn, place, standing)
}

function exportOfCommonJs(fn: RoutineFunction, place: FunctionPlace): string | undefined {
  const { name, url } = place.script
  const loaded = require.cache[name] ?? require.cache[fileURLToPath(url)]
  if (loaded !== undefined) {
    const found = exportIn(loaded.exports, fn)
    if (found !== undefined) return found
  }
  const standing = standingOf(place)
  const hidden = standing.standing === 'nested' || standing.standing === 'member'
  // While a module is being loaded, and where a loader keeps it elsewhere, it may yet export it.
  if (loaded?.loaded === true || hidden) throw refuseStanding(fn, place, standing)
  return undefined
}

function exportIn(exports: unknown, fn: RoutineFunction): string | undefined {
  if (exports === fn) return 'default'
  if ((typeof exports !== 'object' || exports === null) && !isRoutineFunction(exports)) return
  const own = nameOf(fn)
  if (Object.hasOwn(exports, own) && readProperty(exports, own) === fn) return own
  return Object.keys(exports).find((name) => readProperty(exports, name) === fn)
}

/**
 * `export function name` at the start of its line: legal only at the top level of a module, so that
 * no parse is needed, which is half the time of a program's first routine.
 */
function exportedByItsLine({ script, line, column }: FunctionPlace): Standing | undefined {
  if (!script.isModule) return undefined
  let start = 0
  for (let before = line; before > 0; before--) start = script.source.indexOf('\n', start) + 1
  const text = script.source.slice(start, start + column)
  const name = /^export (?:async )?function\s*\*?\s*([\w$]+)\s*$/.exec(text)?.[1]
  return name === undefined ? undefined : { standing: 'exported', exportName: name }
}

function standingOf(place: FunctionPlace): Standing {
  const exported = exportedByItsLine(place)
  if (exported !== undefined) return exported
  const { script, line, column } = place
  if (!analyses.has(script.id)) {
    if (analyses.size >= analysesMax) analyses.clear()
    analyses.set(script.id, analyseScript(script.source, script.isModule))
  }
  return analyses.get(script.id)?.(line, column) ?? { standing: 'undecided' }
}

/** What `init({ modules })` takes, as a URL. */
export function moduleUrl(urlOrPath: string, base: string = process.cwd()): string {
  if (/^[a-z][a-z0-9+.-]+:/i.test(urlOrPath)) return urlOrPath
  const folder = base.startsWith('file:') ? fileURLToPath(new URL('.', base)) : resolve(base)
  const path = resolve(folder, urlOrPath)
  const isName = !isAbsolute(urlOrPath) && !urlOrPath.startsWith('.') && !existsSync(path)
  if (!isName) return pathToFileURL(path).href
  try {
    const found = createRequire(resolve(folder, 'noop.js')).resolve(urlOrPath)
    return isAbsolute(found) ? pathToFileURL(found).href : found
  } catch {
    return pathToFileURL(path).href
  }
}

/** The modules whose top level is on the stack, or awaits what is. */
function evaluatingModules(): Set<string> {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = framesMax
  const stack = new Error().stack ?? ''
  Error.stackTraceLimit = limit
  const frames = stack.matchAll(/^ +at (?:async )?(\S*?):\d+:\d+$/gm)
  const names = [...frames].map(([, name]) => name ?? '')
  return new Set(names.map((name) => (isAbsolute(name) ? pathToFileURL(name).href : name)))
}
