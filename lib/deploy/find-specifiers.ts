/** Finds in JavaScript where a module names another one by a literal. */
import { createRequire } from 'node:module'
import type * as Acorn from 'acorn'
import type { ImportKind } from './trace-modules.ts'

/** The literal, quotes included, lies from `start` to `end`. */
export interface Specifier {
  readonly start: number
  readonly end: number
  readonly kind: ImportKind
  readonly text: string
  /** The import says what it expects, such as `with { type: 'json' }`. */
  readonly hasAttributes: boolean
}

export interface ScriptFacts {
  readonly specifiers: readonly Specifier[]
  /** It has `import` or `export` declarations. */
  readonly isModule: boolean
  /** What CommonJS does not have: `import.meta`, or an await at its top level. */
  readonly moduleOnly: boolean
  /** It names what only CommonJS has: `require`, `module`, `exports`, `__dirname`, `__filename`. */
  readonly namesCommonJs: boolean
}

const commonJsNames = new Set(['require', 'module', 'exports', '__dirname', '__filename'])

let acorn: typeof Acorn | undefined

/** Undefined where the text cannot be parsed. */
export function findSpecifiers(source: string): ScriptFacts | undefined {
  acorn ??= createRequire(import.meta.url)('acorn') as typeof Acorn
  for (const sourceType of ['module', 'script'] as const) {
    try {
      const program = acorn.parse(source, {
        ecmaVersion: 'latest',
        sourceType,
        allowReturnOutsideFunction: sourceType === 'script',
        allowHashBang: true,
      })
      return new Search(program)
    } catch {
      // Sloppy code is no module; what is neither is left as it is.
    }
  }
  return undefined
}

class Search implements ScriptFacts {
  readonly specifiers: Specifier[] = []
  isModule = false
  moduleOnly = false
  namesCommonJs = false

  constructor(program: Acorn.Program) {
    this.#visit(program, true)
  }

  #visit(node: Acorn.AnyNode, isTop: boolean): void {
    this.#look(node, isTop)
    const inner = isTop && !/Function|PropertyDefinition|StaticBlock/.test(node.type)
    for (const value of Object.values(node)) {
      for (const child of Array.isArray(value) ? value : [value]) {
        if (typeof child !== 'object' || child === null || !('type' in child)) continue
        if ('start' in child) this.#visit(child as Acorn.AnyNode, inner)
      }
    }
  }

  #look(node: Acorn.AnyNode, isTop: boolean): void {
    switch (node.type) {
      case 'ImportDeclaration':
      case 'ExportAllDeclaration':
      case 'ExportNamedDeclaration':
        this.isModule = true
        this.#add(node.source, 'import', node.attributes.length > 0)
        break
      case 'ExportDefaultDeclaration':
        this.isModule = true
        break
      case 'ImportExpression':
        this.#add(node.source, 'import', node.options !== null && node.options !== undefined)
        break
      case 'CallExpression':
        if (isRequire(node.callee)) this.#add(node.arguments[0], 'require', false)
        break
      case 'MetaProperty':
        if (node.meta.name === 'import') this.moduleOnly = true
        break
      case 'AwaitExpression':
        if (isTop) this.moduleOnly = true
        break
      case 'ForOfStatement':
        if (isTop && node.await) this.moduleOnly = true
        break
      case 'Identifier':
        if (commonJsNames.has(node.name)) this.namesCommonJs = true
        break
      default:
    }
  }

  #add(node: Acorn.AnyNode | null | undefined, kind: ImportKind, hasAttributes: boolean): void {
    if (node?.type !== 'Literal' || typeof node.value !== 'string') return
    const { start, end, value } = node
    this.specifiers.push({ start, end, kind, text: value, hasAttributes })
  }
}

function isRequire(callee: Acorn.AnyNode): boolean {
  if (callee.type === 'Identifier') return callee.name === 'require'
  if (callee.type !== 'MemberExpression' || callee.computed) return false
  const { object, property } = callee
  const isResolve = property.type === 'Identifier' && property.name === 'resolve'
  return isResolve && object.type === 'Identifier' && object.name === 'require'
}
