/** Reads the sources of the repository for `tidy.test.ts`: files, imports, functions. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export const repository = fileURLToPath(new URL('../../', import.meta.url))

export interface Import {
  /** `node:fs`, `piscina`, or a path from the repository's root. */
  readonly target: string
  /** It leaves nothing in the compiled file. */
  readonly typeOnly: boolean
}

export interface Source {
  /** From the repository's root, with slashes. */
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
  readonly tree: ts.SourceFile
  readonly imports: readonly Import[]
}

const folders = ['bench', 'bin', 'examples', 'lib', 'scripts', 'test']
const extensions = /\.(ts|mjs|cjs|js)$/

/** All sources, but for the fixtures of tests, which are wrong on purpose. */
export function readSources(): Source[] {
  return folders.flatMap((folder) => {
    if (!existsSync(join(repository, folder))) return []
    const names = readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    return names
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .filter((path) => extensions.test(path) && !path.startsWith('test/fixtures/'))
      .filter((path) => !/^bench\/(results|peers)\//.test(path))
      .sort()
      .map(readSource)
  })
}

export function readSource(path: string): Source {
  const text = readFileSync(join(repository, path), 'utf8')
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  return { path, text, lines: text.split('\n'), tree, imports: importsOf(path, tree) }
}

/** Files that are no sources: documents and settings. Those git ignores are nobody's business. */
export function readDocuments(): { path: string; text: string }[] {
  const options = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  let listed: string
  try {
    listed = execFileSync('git', options, { cwd: repository, encoding: 'utf8' })
  } catch {
    return []
  }
  return listed
    .split('\0')
    .filter((path) => /(\.(md|json|yaml|yml)|^LICENSE|^\.ci\/\w+)$/.test(path))
    .filter((path) => !path.endsWith('package-lock.json') && existsSync(join(repository, path)))
    .map((path) => ({ path, text: readFileSync(join(repository, path), 'utf8') }))
}

function importsOf(path: string, tree: ts.SourceFile): Import[] {
  const found: Import[] = []
  const add = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return
    const { text } = specifier
    const target = text.startsWith('.') ? normalize(join(dirname(path), text)) : text
    found.push({ target: target.replace(/\.js$/, '.ts'), typeOnly })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnly(node))
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, isTypeOnlyExport(node))
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false)
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

function isTypeOnly({ importClause }: ts.ImportDeclaration): boolean {
  if (importClause === undefined) return false
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const bindings = importClause.namedBindings
  if (importClause.name !== undefined || bindings === undefined) return false
  return ts.isNamedImports(bindings) && bindings.elements.every((element) => element.isTypeOnly)
}

function isTypeOnlyExport({ isTypeOnly, exportClause }: ts.ExportDeclaration): boolean {
  if (isTypeOnly) return true
  if (exportClause === undefined || !ts.isNamedExports(exportClause)) return false
  return exportClause.elements.every((element) => element.isTypeOnly)
}

export interface FunctionPlace {
  readonly name: string
  readonly line: number
  readonly lines: number
}

/** Every function with a body, methods and arrow functions included. */
export function functionsOf({ tree }: Source): FunctionPlace[] {
  const found: FunctionPlace[] = []
  const lineOf = (position: number): number => tree.getLineAndCharacterOfPosition(position).line
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const line = lineOf(node.getStart(tree))
      const name = node.name?.getText(tree) ?? 'a function'
      found.push({ name, line: line + 1, lines: lineOf(node.end) - line + 1 })
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

/**
 * Identifiers and keywords that the file uses, with how often; comments and strings do not count.
 */
export function wordsOf({ tree }: Source): Set<string> {
  const words = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const { parent } = node
      const isKey = ts.isPropertyAccessExpression(parent) && parent.name === node
      words.add(isKey ? `${parent.expression.getText(tree)}.${node.text}` : node.text)
    }
    if (node.kind === ts.SyntaxKind.AsyncKeyword) words.add('async')
    if (node.kind === ts.SyntaxKind.AwaitExpression) words.add('await')
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return words
}
