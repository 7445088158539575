/** The errors for functions that no thread can be told to run: which one, where, and what to do. */
import { readFileSync } from 'node:fs'
import { findSourceMap } from 'node:module'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { GoawayError, type GoawayErrorCode } from '../errors.ts'
import type { Standing } from './analyse-script.ts'
import { nameOf, type RoutineFunction, textOf } from './function-address.ts'
import type { FunctionPlace, Script } from './inspect-function.ts'

const notExported = 'ERR_GOAWAY_FUNCTION_NOT_EXPORTED'
const notFound = 'ERR_GOAWAY_FUNCTION_NOT_FOUND'
const toTopLevel =
  'move it to the top level of its module, export it, and pass what it captures as arguments'
/** A made-up URL may hold a whole module. */
const urlCharactersMax = 80

export function refuseValue(value: unknown): TypeError {
  const shown = inspect(value, { depth: 0, maxArrayLength: 3, maxStringLength: 60 })
  return new TypeError(`goaway(fn, ...args): fn must be an exported function: ${shown}`)
}

export function refuseClass(fn: RoutineFunction): GoawayError {
  return refusal(
    notExported,
    `class ${nameOf(fn)}`.trimEnd(),
    'a class is not called as a function',
    'export a function that makes an instance and uses it',
  )
}

export function refuseProxy(): GoawayError {
  return refusal(notFound, 'a Proxy', 'it stands in no module', 'hand over the function behind it')
}

export function refuseBound(fn: RoutineFunction): GoawayError {
  const name = nameOf(fn).replace(/^(bound )+/, '')
  return refusal(
    notExported,
    `function ${name || '(anonymous)'}, bound by .bind()`,
    'what is bound to it cannot be found in a module',
    'hand over the function itself, and the bound values as arguments',
  )
}

export function refuseBuiltin(fn: RoutineFunction): GoawayError {
  return refusal(
    notFound,
    `function ${nameOf(fn) || '(anonymous)'}`,
    'it is built into Node and belongs to no module of the program',
    'export a function of your own that calls it',
  )
}

/** The function comes from `eval`, a REPL, `--eval`, standard input, or a URL that is no file. */
export function refuseSource(fn: RoutineFunction, name: string): GoawayError {
  return refusal(
    notFound,
    `function ${nameOf(fn) || '(anonymous)'}`,
    `its source is not a file: ${describeSource(name)}`,
    'put it into a file and export it there, or name a module that exports it in init({ modules })',
  )
}

/** The function stands in a file, but the module does not export it. */
export function refuseStanding(
  fn: RoutineFunction,
  place: FunctionPlace,
  standing: Standing,
): GoawayError {
  const subject = `${describe(fn)} (${describePlace(place)})`
  switch (standing.standing) {
    case 'nested':
      return refusal(
        notExported,
        subject,
        `it stands inside ${standing.inside}, so it may capture variables that a thread has not`,
        `${toTopLevel} (if an export holds it, name its module in init({ modules }))`,
      )
    case 'member':
      return refusal(
        notExported,
        subject,
        'it is a member of a class, and an instance cannot be found in a module',
        'export a function at the top level that calls it',
      )
    case 'local':
      return refusal(
        notExported,
        subject,
        'its module does not export it',
        exportIt(fn, place, standing.name),
      )
    default:
      return refusal(notExported, subject, 'its module does not export it', toTopLevel)
  }
}

function exportIt(fn: RoutineFunction, { script }: FunctionPlace, name: string): string {
  const hasExports = script.isModule || /\.[cm]?tsx?$/.test(script.url)
  return hasExports
    ? `add \`export\` before ${declaration(fn, name)}`
    : `add \`exports.${name} = ${name}\``
}

function refusal(code: GoawayErrorCode, what: string, why: string, remedy: string): GoawayError {
  return new GoawayError(code, `cannot run ${what} on a thread: ${why}; ${remedy}`)
}

function describe(fn: RoutineFunction): string {
  const name = nameOf(fn)
  return name === '' ? 'an anonymous function' : `function ${name}`
}

function declaration(fn: RoutineFunction, name: string): string {
  const declared = /^(?:async\s+)?function\s*\*?\s*[^\s(*]/.test(textOf(fn)) && nameOf(fn) === name
  return declared ? `function ${name}` : name
}

function describeSource(name: string): string {
  if (name === '') return 'it was made by eval or new Function'
  return name.length > urlCharactersMax ? `${name.slice(0, urlCharactersMax)}...` : name
}

/** The file, and the line where it is certain: a wrong line would be worse than none. */
function describePlace({ script, line, column }: FunctionPlace): string {
  const original = findSourceMap(script.name)?.findEntry(line, column)
  if (original !== undefined && 'originalLine' in original && original.originalSource) {
    return `${describeUrl(original.originalSource)}:${original.originalLine + 1}`
  }
  const file = describeUrl(script.url)
  return hasLinesOfFile(script) ? `${file}:${line + 1}` : file
}

/** Whether V8 runs the file's text; type stripping puts blanks where the types were. */
function hasLinesOfFile({ name, source }: Script): boolean {
  try {
    const text = readFileSync(fileURLToPath(name), 'utf8').replace(/^\uFEFF/, '')
    if (text === source) return true
    for (let index = 0; index < text.length; index++) {
      if (text[index] !== source[index] && !/[\s;]/.test(source[index] ?? '')) return false
    }
    return true
  } catch {
    return false
  }
}

/** A path is shorter to read than a URL, and from the current folder shorter still. */
export function describeUrl(url: string): string {
  try {
    const path = url.startsWith('file:') ? fileURLToPath(url) : url
    const near = relative(process.cwd(), path)
    return near === '' || near.startsWith('..') ? path : near
  } catch {
    return url
  }
}
