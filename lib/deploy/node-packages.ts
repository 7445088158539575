/**
 * What a bundle finds at the node: the library, which has to be the very instance that the node's
 * threads run, and the packages that cannot travel.
 */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { GoawayError } from '../errors.ts'
import type { CodeManifest } from '../wire/messages.ts'
import { libraryFiles } from './library-modules.ts'

/** In `dist/lib`, and in `dist/bundle`, where this code is one folder deep too. */
const libraryUrl = new URL('../', import.meta.url)

/**
 * Where the packages of the manifest are installed at this node, by name.
 *
 * @throws {GoawayError} ERR_GOAWAY_MODULE_LOAD that names those that are not
 */
export async function findExternals(
  { externals, optional = [] }: CodeManifest,
  cwd: string = process.cwd(),
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const name of [...externals, ...optional]) {
    const folder = await findPackage(name, cwd)
    if (folder !== undefined) found.set(name, folder)
  }
  const lacking = externals.filter((name) => !found.has(name))
  if (lacking.length === 0) return found
  throw new GoawayError(
    'ERR_GOAWAY_MODULE_LOAD',
    `Cannot install the application's code: it needs the package ${lacking.join(', ')}, which ` +
      'has native parts or cannot be bundled, so that each node has to have it; run: npm install ' +
      `${lacking.join(' ')} in ${cwd} on that node, or with --global`,
  )
}

export async function linkExternals(
  folder: string,
  externals: ReadonlyMap<string, string>,
): Promise<void> {
  for (const [name, target] of externals) {
    const link = join(folder, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true, mode: 0o700 })
    await symlink(target, link, 'junction')
  }
}

/**
 * A package that hands on the instance of the library that runs here. A link to its folder would
 * not do: there the name leads to the one of two builds that programs import.
 */
export async function writeLibrary(folder: string): Promise<void> {
  const library = join(folder, 'node_modules', 'goaway')
  await mkdir(library, { recursive: true, mode: 0o700 })
  const description = {
    name: 'goaway',
    version: libraryVersion(),
    type: 'module',
    exports: {
      ...Object.fromEntries(
        Object.entries(libraryFiles).map(([name, file]) => [
          name.replace('goaway', '.'),
          `./${flat(file)}`,
        ]),
      ),
      './package.json': './package.json',
    },
  }
  await writeFile(join(library, 'package.json'), JSON.stringify(description))
  for (const file of Object.values(libraryFiles)) {
    const text = `export * from ${JSON.stringify(new URL(file, libraryUrl).href)}\n`
    await writeFile(join(library, flat(file)), text)
  }
}

/** All of them lie side by side. */
function flat(file: string): string {
  return file.replaceAll('/', '-')
}

function libraryVersion(): string {
  const text = readFileSync(new URL('../../package.json', libraryUrl), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

async function findPackage(name: string, cwd: string): Promise<string | undefined> {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(candidate)) return realpathSync(candidate)
    if (folder === dirname(folder)) break
  }
  for (const folder of await globalFolders()) {
    const candidate = join(folder, name)
    if (existsSync(candidate)) return realpathSync(candidate)
  }
  return undefined
}

/** npm is asked only for a package that is nowhere else. */
const npmTimeoutMs = 5_000
let asked: readonly string[] | undefined

/** Where `npm install --global` puts packages; this library may be one of them. */
async function globalFolders(): Promise<readonly string[]> {
  asked ??= [
    join(dirname(dirname(process.execPath)), 'lib', 'node_modules'),
    dirname(fileURLToPath(new URL('../../', libraryUrl))),
    ...(await npmFolder()),
  ]
  return asked
}

async function npmFolder(): Promise<string[]> {
  try {
    const run = promisify(execFile)
    const { stdout } = await run('npm', ['root', '--global'], { timeout: npmTimeoutMs })
    return [stdout.trim()].filter((path) => path !== '')
  } catch {
    return []
  }
}
