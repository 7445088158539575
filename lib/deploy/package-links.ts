/**
 * Where an import finds a package under one name and the package lies under another, as pnpm and
 * workspaces have it, the bundle has the same link.
 */
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { PackageReader } from './package-facts.ts'
import type { Trace } from './trace-modules.ts'

export function linksBetween(
  trace: Trace,
  packages: PackageReader,
  place: (path: string) => string,
): [path: string, target: string][] {
  const links = new Map<string, string>()
  const seen = new Set<string>()
  for (const { importer, name, path } of trace.packageImports) {
    const key = `${dirname(importer)}\0${name}`
    if (seen.has(key)) continue
    seen.add(key)
    const { folder } = packages.factsOf(path)
    const found = findPackage(dirname(importer), name)
    if (found === undefined || found === folder || realpathSync(found) !== folder) continue
    const link = place(found)
    if (!link.includes('..')) links.set(link, place(folder))
  }
  return [...links]
}

/** As Node looks for it: in each folder on the way up. */
function findPackage(start: string, name: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(candidate)) return candidate
    if (folder === dirname(folder)) return undefined
  }
}
