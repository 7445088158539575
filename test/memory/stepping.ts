/**
 * The library's own code of `lib/memory`, made into generators that stop before each access by
 * Atomics: so that every interleaving of a writer and its readers can be walked through, of what is
 * shipped and not of a model of it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parse } from 'acorn'

const compiled = new URL('../../lib/memory/', import.meta.url)

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [property: string]: unknown
}

interface Source {
  readonly name: string
  readonly text: string
  readonly root: Node
}

interface Found {
  /** Under which name it is called: a private one together with its file. */
  readonly name: string
  readonly isConstructor: boolean
  /** Where the star goes. */
  readonly starAt: number
  readonly calls: readonly Call[]
}

interface Call {
  readonly name: string
  readonly node: Node
  readonly isAtomic: boolean
  /** It reads plain memory that another thread may write: there is a stop before it as well. */
  readonly isPlain: boolean
}

/** One change of the text, to plant a fault. */
export interface Fault {
  readonly file: string
  readonly from: string
  readonly to: string
}

/**
 * Imports the stepping library.
 *
 * @param limits other values for some bounds, so that what is rare comes soon
 */
export async function importStepping(
  limits: Readonly<Record<string, number>>,
  fault?: Fault,
): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), 'goaway-stepping-'))
  try {
    const sources = readdirSync(compiled)
      .filter((name) => name.endsWith('.js'))
      .map((name) => read(name, fault))
    const stepping = findStepping(sources)
    for (const source of sources) {
      writeFileSync(join(folder, source.name), rewrite(source, stepping))
    }
    const real = new URL('../limits.js', compiled).href
    const changed = Object.entries(limits).map(([name, value]) => `export const ${name} = ${value}`)
    writeFileSync(join(folder, 'limits.mjs'), [`export * from '${real}'`, ...changed].join('\n'))
    const modules = ['replica-writer.js', 'replica-reader.js', 'object-cells.js', 'record.js']
    const lines = modules.map((name) => `export * from './${name}'`)
    writeFileSync(join(folder, 'all.mjs'), lines.join('\n'))
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    return await import(pathToFileURL(join(folder, 'all.mjs')).href)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function read(name: string, fault: Fault | undefined): Source {
  let text = readFileSync(new URL(name, compiled), 'utf8')
  if (fault?.file === name) {
    if (!text.includes(fault.from)) throw new Error(`${name} has no ${fault.from}`)
    text = text.replace(fault.from, () => fault.to)
  }
  return { name, text, root: parse(text, { ecmaVersion: 'latest', sourceType: 'module' }) as never }
}

function children(node: Node): Node[] {
  return Object.values(node)
    .flat()
    .filter((value) => typeof (value as Node | null)?.type === 'string') as Node[]
}

/** Functions of a file with what they call, themselves or in arrow functions. */
function functionsOf({ name: file, root }: Source): Found[] {
  const found: Found[] = []
  const walk = (node: Node): void => {
    if (node.type === 'MethodDefinition' || node.type === 'FunctionDeclaration') {
      const isMethod = node.type === 'MethodDefinition'
      const key = (isMethod ? node.key : node.id) as Node
      found.push({
        name: nameOf(file, key),
        isConstructor: isMethod && node.kind === 'constructor',
        starAt: key.start,
        calls: callsIn(file, (isMethod ? node.value : node) as Node, false),
      })
    }
    children(node).forEach(walk)
  }
  walk(root)
  return found
}

function nameOf(file: string, key: Node): string {
  return key.type === 'PrivateIdentifier' ? `${file}#${key.name}` : String(key.name)
}

function callsIn(file: string, node: Node, inArrow: boolean): Call[] {
  const calls: Call[] = []
  const { callee } = node as { callee?: Node }
  if (node.type === 'CallExpression' && callee !== undefined) {
    const isMember = callee.type === 'MemberExpression'
    const key = (isMember ? callee.property : callee) as Node
    const isAtomic = isMember && (callee.object as Node).name === 'Atomics'
    if (isAtomic && inArrow) throw new Error(`${file}: Atomics in an arrow function`)
    const name = nameOf(file, key)
    calls.push({ name, node, isAtomic, isPlain: name === 'readContent' })
  }
  for (const child of children(node)) {
    calls.push(...callsIn(file, child, inArrow || child.type === 'ArrowFunctionExpression'))
  }
  return calls
}

/** The names of all functions that come to an access by Atomics. */
function findStepping(sources: readonly Source[]): ReadonlySet<string> {
  const all = sources.flatMap(functionsOf).filter(({ isConstructor }) => !isConstructor)
  const stepping = new Set<string>()
  for (let size = -1; size < stepping.size; ) {
    size = stepping.size
    for (const { name, calls } of all) {
      if (calls.some((call) => call.isAtomic || call.isPlain || stepping.has(call.name)))
        stepping.add(name)
    }
  }
  return stepping
}

function rewrite(source: Source, stepping: ReadonlySet<string>): string {
  const edits: [at: number, text: string][] = []
  for (const { name, isConstructor, starAt, calls } of functionsOf(source)) {
    if (stepping.has(name)) edits.push([starAt, '*'])
    for (const { node, isAtomic, isPlain, name: called } of calls) {
      if (isPlain) edits.push([node.start, '(yield, '], [node.end, ')'])
      if (isPlain || (!isAtomic && !stepping.has(called))) continue
      // What happens while a thing is made is seen by nobody.
      edits.push([node.start, isConstructor ? '(finish(' : '(yield* ('])
      if (isAtomic) {
        const [first] = (node as unknown as { arguments: Node[] }).arguments
        edits.push([node.start, `stepOf('${called}')(`], [(first as Node).start, '\u0000'])
      }
      edits.push([node.end, '))'])
    }
  }
  let text = source.text
  for (const [at, added] of edits.map((edit, order) => [...edit, order] as const).sort(backwards)) {
    if (added === '\u0000') text = text.slice(0, text.lastIndexOf('Atomics.', at)) + text.slice(at)
    else text = text.slice(0, at) + added + text.slice(at)
  }
  const href = new URL('../', compiled).href
  const steps = new URL('./steps.js', import.meta.url).href
  const imports = text
    .replaceAll(/(["'])\.\.\/limits\.js\1/g, "'./limits.mjs'")
    .replaceAll(/from (["'])\.\.\//g, `from $1${href}`)
  return `import { stepOf, finish } from '${steps}'\n${imports}`
}

type Edit = readonly [at: number, text: string, order: number]
const backwards = (one: Edit, other: Edit): number => other[0] - one[0] || other[2] - one[2]
