/**
 * Which files of the packages an application needs beside those that its imports name: each
 * package.json, and all of a package whose text does not tell what it loads.
 */
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { glob } from 'tinyglobby'
import { packageFilesMax } from '../limits.ts'
import { isInPackages, type PackageReader } from './package-facts.ts'
import type { Trace } from './trace-modules.ts'

/** It looks for files beside itself, or loads what it computes the name of. */
const looksAround =
  /\b(__dirname|__filename|import\.meta|createRequire)\b|\b(require|import)\(\s*[^'"\s)]/

const unused = ['**/node_modules/**', '**/*.d.ts', '**/*.d.[cm]ts', '**/*.map', '**/*.md']

export async function packageFiles(trace: Trace, packages: PackageReader): Promise<Set<string>> {
  const found = new Set<string>()
  const whole = new Set<string>()
  for (const path of trace.others) {
    if (!isInPackages(path)) continue
    const { folder } = packages.factsOf(path)
    found.add(join(folder, 'package.json'))
    const nearest = packages.nearest(path)
    if (nearest !== undefined) found.add(nearest.file)
    if (whole.has(folder) || !/^\.[cm]?js$/.test(extname(path))) continue
    if (looksAround.test(await readFile(path, 'utf8'))) whole.add(folder)
  }
  for (const cwd of whole) {
    const files = await glob('**/*', { cwd, absolute: true, onlyFiles: true, ignore: unused })
    if (files.length > packageFilesMax) continue
    for (const file of files) found.add(join(file))
  }
  return found
}
