/**
 * The list of what an application's code is made of, and what of such a list a node believes: its
 * paths become files of the node's disk, so none may lead out of the bundle's folder.
 */
import { createHash } from 'node:crypto'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { array, number, object, optional, record, safeParse, string, tuple } from 'valibot'
import { GoawayError } from '../errors.ts'
import { codeFilesMax } from '../limits.ts'
import type { CodeManifest } from '../wire/messages.ts'

/** Under this folder of a bundle the application's files lie as they do at the spawner. */
export const filesFolder = 'files'

const shapeOfManifest = object({
  hash: string(),
  files: array(object({ path: string(), hash: string(), bytes: number() })),
  modules: record(string(), string()),
  externals: array(string()),
  optional: optional(array(string())),
  links: optional(array(tuple([string(), string()]))),
})

const hashPattern = /^[0-9a-f]{64}$/
const packagePattern = /^(@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*$/i

export function hashOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The name under which a manifest has a module: without query, and written in one way. */
export function moduleKey(url: string): string {
  if (!url.startsWith('file:')) return url
  return pathToFileURL(fileURLToPath(url.replace(/[?#].*$/s, ''))).href
}

/** The same parts give the same manifest, with the same hash, in whatever order they were found. */
export function makeManifest(parts: Omit<CodeManifest, 'hash'>): CodeManifest {
  const sorted = {
    files: parts.files.toSorted((one, other) => compare(one.path, other.path)),
    modules: Object.fromEntries(
      Object.entries(parts.modules).toSorted(([one], [other]) => compare(one, other)),
    ),
    externals: parts.externals.toSorted(compare),
    optional: (parts.optional ?? []).toSorted(compare),
    links: (parts.links ?? []).toSorted(([one], [other]) => compare(one, other)),
  }
  return { hash: hashOfParts(sorted), ...sorted }
}

/** Not by the language of the machine: two machines must agree. */
function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}

function hashOfParts(manifest: Omit<CodeManifest, 'hash'>): string {
  const { files, modules, externals, optional = [], links = [] } = manifest
  const rows = files.map(({ path, hash, bytes }) => [path, hash, bytes])
  return hashOf(JSON.stringify([rows, Object.entries(modules), externals, optional, links]))
}

/**
 * Refuses a manifest that no bundler of ours has made.
 *
 * @throws {GoawayError} ERR_GOAWAY_PROTOCOL, naming what is wrong
 */
export function checkManifest(manifest: CodeManifest): void {
  const shape = safeParse(shapeOfManifest, manifest)
  if (!shape.success) {
    const [{ path = [], input }] = shape.issues
    throw refuse(
      path.map(({ key }) => String(key)).join('.'),
      input,
      'what docs/code-upload.md says',
    )
  }
  const { hash, files, modules, externals, optional = [], links = [] } = manifest
  if (files.length > codeFilesMax || links.length > codeFilesMax) {
    throw refuse('files', files.length, `at most ${codeFilesMax}`)
  }
  const paths = new Set<string>()
  for (const { path, hash: content, bytes } of files) {
    checkPath(path)
    if (paths.has(path)) throw refuse('path', path, 'once')
    paths.add(path)
    if (!hashPattern.test(content)) throw refuse('hash', content, 'a SHA-256 in hexadecimal')
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw refuse('bytes', bytes, 'a size')
  }
  for (const path of Object.values(modules)) {
    if (!paths.has(path)) throw refuse('module', path, 'one of the files')
  }
  for (const name of [...externals, ...optional]) {
    if (!packagePattern.test(name)) throw refuse('external', name, 'the name of a package')
  }
  for (const [path, target] of links) {
    checkPath(path)
    checkPath(target)
  }
  if (hash !== hashOfParts(manifest)) throw refuse('hash', hash, 'the hash of its parts')
}

/** Each part of it goes one folder down, on every system. */
function checkPath(path: unknown): void {
  const isSafe =
    typeof path === 'string' &&
    path.startsWith(`${filesFolder}/`) &&
    !/[\\\0]|^[a-z]:/i.test(path) &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  if (!isSafe) throw refuse('path', path, `a path under ${filesFolder}/ without ..`)
}

function refuse(what: string, value: unknown, allowed: string): GoawayError {
  return new GoawayError(
    'ERR_GOAWAY_PROTOCOL',
    `Cannot install code: its manifest has the ${what} ${JSON.stringify(value)}; it has to be ` +
      allowed,
  )
}
