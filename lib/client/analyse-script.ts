/**
 * Reads from a module's source, without loading it, which of its functions an export may hold.
 *
 * It must not refuse what a thread could reach, so whatever it cannot follow (what a wrapper gives,
 * an alias) is `undecided`: the thread that imports the module decides. But a function that stands
 * inside another is refused even where an export may hold it: two closures of one factory have the
 * same place and text, and a thread could take the wrong one.
 */
import { createRequire } from 'node:module'
import type * as Acorn from 'acorn'

/** What the source tells of one function. */
export type Standing =
  | { readonly standing: 'exported'; readonly exportName: string }
  | { readonly standing: 'undecided' }
  /** At the top level under this name, and not exported. */
  | { readonly standing: 'local'; readonly name: string }
  /** A property of an object, or an argument: nothing at the top level has its name. */
  | { readonly standing: 'unnamed' }
  | { readonly standing: 'member' }
  | { readonly standing: 'nested'; readonly inside: string }

/** Tells the standing of the function whose parameters begin here (line and column from 0). */
export type ScriptAnalysis = (line: number, column: number) => Standing

interface Found {
  readonly start: number
  readonly end: number
  readonly standing: Standing
}

type FunctionType = 'FunctionDeclaration' | 'FunctionExpression' | 'ArrowFunctionExpression'
type FunctionNode = Extract<Acorn.AnyNode, { type: FunctionType }>

/** What stands around a node, of all that decides whether a function in it can be exported. */
interface Surroundings {
  /** Name of the top-level variable that the expression becomes the value of. */
  readonly binding?: string | undefined
  /** The value of the variable is this expression itself, not something made of it. */
  readonly direct: boolean
  /** In an object literal, and in nothing that could take it out of there. */
  readonly property: boolean
  readonly member: boolean
  readonly inside?: string | undefined
}

/** A bundle this large would take longer to parse than a thread takes to say no. */
const charactersMax = 4 * 1024 * 1024
/** Stands for `export default` of an expression, which binds no name. */
const defaultBinding = '*default*'
const top: Surroundings = { direct: false, property: false, member: false }

let acorn: typeof Acorn | undefined

/** Undefined where the source cannot be parsed: newer syntax than acorn knows, for example. */
export function analyseScript(source: string, isModule: boolean): ScriptAnalysis | undefined {
  if (source.length > charactersMax) return undefined
  acorn ??= createRequire(import.meta.url)('acorn') as typeof Acorn
  try {
    const program = acorn.parse(source, {
      ecmaVersion: 'latest',
      sourceType: isModule ? 'module' : 'script',
      allowReturnOutsideFunction: !isModule,
      allowHashBang: true,
    })
    const found = new Analysis(program, isModule).found
    const lines = lineStarts(source)
    return (line, column) => standingAt(found, (lines[line] ?? 0) + column)
  } catch {
    return undefined
  }
}

/** V8 and acorn agree on what ends a line. */
function lineStarts(source: string): number[] {
  const starts = [0]
  for (const match of source.matchAll(/\r\n|[\n\r\u2028\u2029]/g)) {
    starts.push(match.index + match[0].length)
  }
  return starts
}

/** The innermost function around the place: it lies in that function's own parameters. */
function standingAt(found: readonly Found[], offset: number): Standing {
  let best: Found | undefined
  for (const candidate of found) {
    if (candidate.start > offset || candidate.end <= offset) continue
    if (best === undefined || candidate.start >= best.start) best = candidate
  }
  return best?.standing ?? { standing: 'undecided' }
}

class Analysis {
  readonly found: Found[] = []
  /** Names of top-level variables to the names that they are exported by. */
  readonly #exported = new Map<string, string>()
  /** Names that appear where an exported variable gets a value that we do not follow. */
  readonly #mentioned = new Set<string>()

  readonly #isModule: boolean

  constructor(program: Acorn.Program, isModule: boolean) {
    this.#isModule = isModule
    for (const statement of program.body) this.#collectExports(statement)
    this.#collectMentions(program)
    for (const statement of program.body) this.#visitStatement(statement)
  }

  #collectExports(node: Acorn.Program['body'][number]): void {
    if (node.type === 'ExportDefaultDeclaration') {
      const { declaration } = node
      this.#exported.set(defaultBinding, 'default')
      const name = declaration.type === 'Identifier' ? declaration.name : declaredName(declaration)
      if (name !== undefined) this.#exported.set(name, 'default')
    } else if (node.type === 'ExportNamedDeclaration' && !node.source) {
      for (const { local, exported } of node.specifiers) {
        this.#exported.set(wordOf(local), wordOf(exported))
      }
      for (const name of declaredNames(node.declaration)) this.#exported.set(name, name)
    }
  }

  /** What every variable is given, where that is not simply a function. */
  *#values(node: Acorn.AnyNode): Generator<{ names: string[]; value: Acorn.AnyNode }> {
    if (node.type === 'VariableDeclarator' && node.init) {
      const followed = node.id.type === 'Identifier' && isFunction(unwrap(node.init))
      if (!followed) yield { names: patternNames(node.id), value: node.init }
    } else if (node.type === 'AssignmentExpression') {
      yield { names: patternNames(node.left), value: node.right }
    } else if (node.type === 'ExportDefaultDeclaration' && !isFunction(unwrap(node.declaration))) {
      yield { names: [defaultBinding], value: node.declaration }
    }
    for (const child of childrenOf(node)) yield* this.#values(child)
  }

  #collectMentions(program: Acorn.Program): void {
    let values = [...this.#values(program)]
    let before = -1
    while (this.#mentioned.size > before) {
      before = this.#mentioned.size
      const open = []
      for (const each of values) {
        const held = each.names.some(
          (name) => this.#exported.has(name) || this.#mentioned.has(name),
        )
        if (held) this.#mention(each.value)
        else open.push(each)
      }
      values = open
    }
  }

  #mention(node: Acorn.AnyNode): void {
    if (node.type === 'Identifier') this.#mentioned.add(node.name)
    for (const child of childrenOf(node)) this.#mention(child)
  }

  #visitStatement(node: Acorn.AnyNode): void {
    if (node.type === 'ExportDefaultDeclaration') {
      const binding = declaredName(node.declaration) ?? defaultBinding
      this.#visit(node.declaration, { ...top, binding, direct: true })
    } else if (node.type === 'ExportNamedDeclaration') {
      if (node.declaration) this.#visitStatement(node.declaration)
    } else if (node.type === 'FunctionDeclaration') {
      this.#visit(node, { ...top, binding: node.id?.name, direct: true })
    } else if (node.type === 'VariableDeclaration') {
      for (const { id, init } of node.declarations) {
        const direct = id.type === 'Identifier'
        const names = patternNames(id)
        const binding = names.find((name) => this.#exported.has(name)) ?? names[0]
        if (init) this.#visit(init, { ...top, binding, direct })
      }
    } else {
      this.#visit(node, top)
    }
  }

  #visit(node: Acorn.AnyNode, around: Surroundings): void {
    const bare = unwrap(node)
    if (isFunction(bare)) {
      this.found.push({ start: bare.start, end: bare.end, standing: this.#judge(around) })
      this.#visitChildren(bare, { ...top, inside: functionLabel(bare, around) })
    } else if (bare.type === 'CallExpression' && isFunction(bare.callee)) {
      // Called where it stands, so once: what is in it is as good as at the top level.
      const inner = { ...around, direct: false, property: false }
      this.#visitOnce(bare.callee, inner)
      for (const argument of bare.arguments) this.#visit(argument, inner)
    } else if (bare.type === 'AssignmentExpression' && bare.left.type === 'Identifier') {
      this.#visit(bare.right, { ...around, binding: bare.left.name, direct: true })
    } else {
      this.#visitChildren(bare, this.#within(bare, around))
    }
  }

  #visitOnce(callee: FunctionNode, around: Surroundings): void {
    const { body } = callee
    // tsx puts a whole CommonJS module into one such function: its variables are the module's.
    const isWhole = !this.#isModule && around.inside === undefined && around.binding === undefined
    if (isWhole && body.type === 'BlockStatement') {
      for (const statement of body.body) this.#visitStatement(statement)
    } else {
      this.#visitChildren(callee, around)
    }
  }

  #visitChildren(node: Acorn.AnyNode, around: Surroundings): void {
    for (const child of childrenOf(node)) this.#visit(child, around)
  }

  #within(node: Acorn.AnyNode, around: Surroundings): Surroundings {
    if (node.type === 'ClassBody') return { ...top, member: true, inside: around.inside }
    const property = node.type === 'Property' || node.type === 'ObjectExpression'
    return { ...around, direct: false, property: property && (around.direct || around.property) }
  }

  #judge({ binding, direct, property, member, inside }: Surroundings): Standing {
    if (member) return { standing: 'member' }
    if (inside !== undefined) return { standing: 'nested', inside }
    if (binding === undefined) return { standing: 'unnamed' }
    const exportName = this.#exported.get(binding)
    if (exportName !== undefined && direct) return { standing: 'exported', exportName }
    if (this.#mentioned.has(binding)) return { standing: 'undecided' }
    if (exportName === undefined) {
      return property ? { standing: 'unnamed' } : { standing: 'local', name: binding }
    }
    // A property of the default export can be reached, as in CommonJS.
    const lost = property && exportName !== 'default'
    return { standing: lost ? 'unnamed' : 'undecided' }
  }
}

/** esbuild, and so tsx, writes `__name(fn, 'name')`, which returns `fn` itself. */
function unwrap(node: Acorn.AnyNode): Acorn.AnyNode {
  if (node.type === 'ParenthesizedExpression') return unwrap(node.expression)
  if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier') return node
  const [first] = node.arguments
  const isName = /^__name\d*$/.test(node.callee.name) && node.arguments.length === 2
  return isName && first !== undefined ? unwrap(first) : node
}

function isFunction(node: Acorn.AnyNode): node is FunctionNode {
  return (
    node.type === 'FunctionDeclaration' ||
    node.type === 'FunctionExpression' ||
    node.type === 'ArrowFunctionExpression'
  )
}

function functionLabel(node: FunctionNode, around: Surroundings): string {
  const name = node.id?.name ?? (around.direct ? around.binding : undefined)
  return name === undefined || name === defaultBinding ? 'another function' : `function ${name}`
}

function declaredName(node: Acorn.AnyNode): string | undefined {
  const declares = node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration'
  return declares ? node.id?.name : undefined
}

function declaredNames(node: Acorn.Declaration | null | undefined): string[] {
  if (!node) return []
  if (node.type !== 'VariableDeclaration') return [node.id.name]
  return node.declarations.flatMap(({ id }) => patternNames(id))
}

/** The variables that a pattern binds; a member expression binds none. */
function patternNames(node: Acorn.AnyNode): string[] {
  switch (node.type) {
    case 'Identifier':
      return [node.name]
    case 'ObjectPattern':
      return node.properties.flatMap((property) =>
        patternNames(property.type === 'Property' ? property.value : property.argument),
      )
    case 'ArrayPattern':
      return node.elements.flatMap((element) => (element ? patternNames(element) : []))
    case 'AssignmentPattern':
      return patternNames(node.left)
    case 'RestElement':
      return patternNames(node.argument)
    default:
      return []
  }
}

function wordOf(node: Acorn.Identifier | Acorn.Literal): string {
  return node.type === 'Identifier' ? node.name : String(node.value)
}

function* childrenOf(node: Acorn.AnyNode): Generator<Acorn.AnyNode> {
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child === 'object' && child !== null && 'type' in child && 'start' in child) {
        yield child as Acorn.AnyNode
      }
    }
  }
}
