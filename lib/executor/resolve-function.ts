/**
 * Finds in a pool thread the function that an address names: imports its module, once, and takes
 * the export that agrees with the address in name and text.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { bundledFile, isBundled } from '../client/bundled.ts'
import type { FunctionAddress, RoutineFunction } from '../client/function-address.ts'
import { fingerprintOf, nameOf, ofOneItem } from '../client/function-address.ts'
import { inspectFunction } from '../client/inspect-function.ts'
import { exportedFunctions, rememberAddress } from '../client/locate.ts'
import { describeUrl } from '../client/refuse-function.ts'
import { GoawayError, isGoawayError } from '../errors.ts'
import { errorCauseDepthMax } from '../limits.ts'
import { forEachItem } from './items-run.ts'
import { registerTsx } from './register-tsx.ts'

/** A program has fewer functions; one that makes module URLs without end must not fill memory. */
const resolvedMax = 10_000
/** Names of exports that an error lists. */
const namesMax = 20

interface Loading {
  active: boolean
  /** What the module tried although only the program itself may. */
  refused: GoawayError | undefined
}

const resolved = new Map<string, RoutineFunction>()

/**
 * What the loading of a module is told by. It travels with the module's own asynchronous work, so a
 * routine that runs or awaits on this thread meanwhile is not taken for it, and it ends when the
 * module is loaded, so timers and connections that the module started then are not taken for it.
 */
const loading = new AsyncLocalStorage<Loading>()
/** Modules that were loaded and yet failed, by URL: importing them again would not fail. */
const refusedModules = new Map<string, GoawayError>()
let loads = 0
let tsxRegistered: Promise<void> | undefined

/**
 * The function, or a promise of it when this thread has not resolved that address before. A failure
 * is not remembered: the next call tries again.
 *
 * The promise rejects with `ERR_GOAWAY_FUNCTION_NOT_EXPORTED`, `ERR_GOAWAY_FUNCTION_AMBIGUOUS` or,
 * if the module fails to load, `ERR_GOAWAY_MODULE_LOAD` (or the module's own
 * `ERR_GOAWAY_NOT_SPAWNER`).
 */
export function resolveFunction(
  address: FunctionAddress,
): RoutineFunction | Promise<RoutineFunction> {
  return resolved.get(address.key) ?? resolveByImport(address)
}

/** Whether this code runs because a module is being loaded for {@link resolveFunction}. */
export function isLoadingModule(): boolean {
  return loads !== 0 && loading.getStore()?.active === true
}

/** The module that is being loaded fails with the error, whatever becomes of it there. */
export function refuseModule(error: GoawayError): void {
  const state = loading.getStore()
  if (state !== undefined) state.refused ??= error
}

async function resolveByImport(address: FunctionAddress): Promise<RoutineFunction> {
  const namespace = await importModule(address.module)
  const exported = matchExport(namespace, address)
  const fn = address.items === true ? forEachItem(exported) : exported
  if (resolved.size >= resolvedMax) resolved.clear()
  resolved.set(address.key, fn)
  rememberAddress(exported, address.items === true ? ofOneItem(address) : address)
  return fn
}

async function importModule(url: string): Promise<object> {
  const refused = refusedModules.get(url)
  if (refused !== undefined) throw refused
  const state: Loading = { active: true, refused: undefined }
  loads++
  try {
    tsxRegistered ??= registerTsx()
    await tsxRegistered
    const file = bundledFile(url)
    const namespace: object = await loading.run(state, () => import(file))
    if (state.refused === undefined) return namespace
    if (refusedModules.size < resolvedMax) refusedModules.set(url, state.refused)
    throw state.refused
  } catch (cause) {
    throw asModuleError(url, cause)
  } finally {
    state.active = false
    loads--
    // On Node 20 an enabled storage slows every promise of the thread.
    if (loads === 0) loading.disable()
  }
}

/** That a program forgot `if (isSpawner)` says more than that its module failed to load. */
function asModuleError(url: string, cause: unknown): unknown {
  let error = cause
  for (let depth = 0; depth < errorCauseDepthMax && error instanceof Error; depth++) {
    if (isGoawayError(error, 'ERR_GOAWAY_NOT_SPAWNER')) return error
    error = error.cause
  }
  if (isGoawayError(cause, 'ERR_GOAWAY_MODULE_LOAD')) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new GoawayError(
    'ERR_GOAWAY_MODULE_LOAD',
    `cannot load module ${describeUrl(url)} on a thread: ${reason}`,
    { cause },
  )
}

function matchExport(namespace: object, address: FunctionAddress): RoutineFunction {
  const exported = [...exportedFunctions(namespace)]
  // A bundle has another text than its sources, so where one is in play the name has to do.
  const isTextKnown = address.fingerprint !== '' && !isBundled()
  const alike = exported.filter(
    ([, fn]) => !isTextKnown || fingerprintOf(fn) === address.fingerprint,
  )
  const byExport = alike.filter(([exportName]) => exportName === address.exportName)
  const byName = alike.filter(([, fn]) => nameOf(fn) === address.name)
  const found = distinct(byExport.length > 0 ? byExport : byName)
  const [first] = found
  if (first === undefined) throw refuseMissing(address, exported)
  if (found.length === 1) return first
  const here = found.filter((fn) => standsAt(fn, address))
  const [only] = here
  if (only !== undefined && here.length === 1) return only
  throw refuseAmbiguous(address, exported, found)
}

function distinct(exported: readonly [string, RoutineFunction][]): RoutineFunction[] {
  return [...new Set(exported.map(([, fn]) => fn))]
}

function standsAt(fn: RoutineFunction, { module, line, column }: FunctionAddress): boolean {
  const place = inspectFunction(fn)
  return place?.script.url === module && place.line === line && place.column === column
}

function refuseMissing(
  address: FunctionAddress,
  exported: readonly [string, RoutineFunction][],
): GoawayError {
  const { exportName } = address
  const names = [...new Set(exported.map(([name]) => name))]
  const shown = names.slice(0, namesMax).join(', ') + (names.length > namesMax ? ', ...' : '')
  const why =
    exportName !== undefined && names.includes(exportName) && address.fingerprint !== ''
      ? `on this thread its export ${exportName} has another text; if the file was edited since, ` +
        'start the program again'
      : 'its module does not export it; add `export` before it, at the top level of the module'
  return new GoawayError(
    'ERR_GOAWAY_FUNCTION_NOT_EXPORTED',
    `cannot run ${describeAddress(address)} on a thread: ${why} ` +
      `(functions it exports: ${shown || 'none'})`,
  )
}

function refuseAmbiguous(
  address: FunctionAddress,
  exported: readonly [string, RoutineFunction][],
  found: readonly RoutineFunction[],
): GoawayError {
  const names = exported.filter(([, fn]) => found.includes(fn)).map(([name]) => name)
  return new GoawayError(
    'ERR_GOAWAY_FUNCTION_AMBIGUOUS',
    `cannot run ${describeAddress(address)} on a thread: it may be any of the exports ` +
      `${[...new Set(names)].join(', ')}, which have the same name and text; write each as a ` +
      'function of its own at the top level, or name the module in init({ modules })',
  )
}

function describeAddress({ name, module }: FunctionAddress): string {
  return `${name === '' ? 'an anonymous function' : `function ${name}`} of ${describeUrl(module)}`
}
