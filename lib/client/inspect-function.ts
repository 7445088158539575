/**
 * Asks V8 where a function stands, through `node:inspector`, in the thread that calls.
 *
 * The position of a function costs no debugger. The debugger's domain is enabled only to learn of a
 * script that was not met before, and disabled before we return: no user code runs while it is on,
 * and nothing here sets a breakpoint or pauses. All of it is synchronous, and the session does not
 * keep the process alive.
 */
import type { Debugger, Runtime, Session } from 'node:inspector'
import { pathToFileURL } from 'node:url'
import { GoawayError } from '../errors.ts'
import { nameOf, type RoutineFunction } from './function-address.ts'

/** A piece of source that V8 compiled as one. */
export interface Script {
  readonly id: string
  /** The name it was compiled under: a URL, or a word such as `[eval]`; empty for `eval`. */
  readonly name: string
  /** URL of the module: the name, unless a loader gave a made-up one. */
  readonly url: string
  readonly isModule: boolean
  /** What V8 runs: after type stripping or tsx. */
  readonly source: string
}

/** Where a function's parameters begin, from 0. */
export interface FunctionPlace {
  readonly script: Script
  readonly line: number
  readonly column: number
}

/** Scripts whose source is kept: a program locates functions of few modules. */
const scriptsMax = 64
/** Remote handles made under this name are released together, or V8 would keep the function. */
const objectGroup = 'goaway'

const scripts = new Map<string, Script>()
let session: Session | undefined

/** Where the function stands; undefined for a builtin, which stands nowhere. */
export function inspectFunction(fn: RoutineFunction): FunctionPlace | undefined {
  session ??= openSession(fn)
  const location = readLocation(session, fn)
  if (location === undefined) return undefined
  const script = scripts.get(location.scriptId) ?? readScript(session, location.scriptId)
  return { script, line: location.lineNumber, column: location.columnNumber ?? 0 }
}

function openSession(fn: RoutineFunction): Session {
  try {
    // A look-up at run time, because a program whose functions are all registered never needs it.
    const inspector = process.getBuiltinModule('node:inspector')
    const opened = new inspector.Session()
    opened.connect()
    return opened
  } catch (cause) {
    throw new GoawayError(
      'ERR_GOAWAY_FUNCTION_NOT_FOUND',
      `cannot tell where function ${nameOf(fn)} stands: this Node has no inspector, or may not ` +
        'use it (--permission); name the modules of your functions in init({ modules })',
      { cause },
    )
  }
}

function readLocation(open: Session, fn: RoutineFunction): Debugger.Location | undefined {
  // The only way to hand the inspector an object of ours is to let it evaluate a name for it.
  const name = '__goawayLocate'
  Object.defineProperty(globalThis, name, { value: fn, configurable: true })
  try {
    const { result } = post<Runtime.EvaluateReturnType>(open, 'Runtime.evaluate', {
      expression: name,
      objectGroup,
      silent: true,
    })
    const { internalProperties = [] } = post<Runtime.GetPropertiesReturnType>(
      open,
      'Runtime.getProperties',
      { objectId: result.objectId, ownProperties: true, nonIndexedPropertiesOnly: true },
    )
    const found = internalProperties.find((property) => property.name === '[[FunctionLocation]]')
    return found?.value?.value
  } finally {
    Reflect.deleteProperty(globalThis, name)
    post(open, 'Runtime.releaseObjectGroup', { objectGroup })
  }
}

function readScript(open: Session, id: string): Script {
  let parsed: Debugger.ScriptParsedEventDataType | undefined
  const listen = (message: { params: Debugger.ScriptParsedEventDataType }) => {
    if (message.params.scriptId === id) parsed = message.params
  }
  open.on('Debugger.scriptParsed', listen)
  let source = ''
  try {
    post(open, 'Debugger.enable')
    const answer = post<Debugger.GetScriptSourceReturnType>(open, 'Debugger.getScriptSource', {
      scriptId: id,
    })
    source = answer.scriptSource
  } finally {
    open.off('Debugger.scriptParsed', listen)
    post(open, 'Debugger.disable')
  }
  // `url` follows a `sourceURL` comment, which anybody may write; the embedder's name does not.
  const facts = parsed as
    | (Debugger.ScriptParsedEventDataType & { embedderName?: string })
    | undefined
  const name = facts?.embedderName ?? facts?.url ?? ''
  const script = { id, name, url: moduleUrl(name), isModule: facts?.isModule === true, source }
  if (scripts.size >= scriptsMax) scripts.clear()
  scripts.set(id, script)
  return script
}

/**
 * On Node 20 tsx compiles a CommonJS module that an ES module imports as a `data:` URL, which ends
 * in the path of the file; importing the file itself gives the same module.
 */
function moduleUrl(name: string): string {
  if (!name.startsWith('data:text/javascript,')) return name
  const path = /\?filePath=([^&?]+)$/.exec(name)?.[1]
  return path === undefined ? name : pathToFileURL(decodeURIComponent(path)).href
}

/** A session of the own thread answers before `post` returns. */
function post<Answer>(open: Session, method: string, parameters: object = {}): Answer {
  let answer: unknown
  let failure: Error | null = null
  open.post(method, parameters, (error, result) => {
    failure = error
    answer = result
  })
  if (failure !== null) throw new Error(`inspector ${method} failed`, { cause: failure })
  return answer as Answer
}
