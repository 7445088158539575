/**
 * The code of applications at a node: files by the hash of their content, and folders in which a
 * bundle's files lie under their names. Several node processes may share the folder.
 *
 * What comes in was made by whoever has the secret, and yet is checked: a manifest names paths, and
 * a bundle that was damaged on its way must not run.
 */
import { randomBytes } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import {
  copyFile,
  mkdir,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import process from 'node:process'
import { GoawayError } from '../errors.ts'
import { codeAgeMsMax, codeBundlesKept } from '../limits.ts'
import type { CodeManifest } from '../wire/messages.ts'
import { goawayHome } from './goaway-home.ts'
import { checkManifest, hashOf } from './manifest.ts'
import { findExternals, linkExternals, writeLibrary } from './node-packages.ts'

/** What a thread needs to know of a bundle, in the file `code.json` of its folder. */
export interface CodeDescription {
  readonly hash: string
  readonly modules: { readonly [url: string]: string }
}

const copiesAtOnce = 16

export class CodeStore {
  readonly #blobs: string
  readonly #bundles: string

  /** @default directory the folder `code` in `~/.goaway`, or in GOAWAY_HOME */
  constructor(directory: string = join(goawayHome(), 'code')) {
    this.#blobs = join(directory, 'blobs')
    this.#bundles = join(directory, 'bundles')
  }

  /** Hashes of the manifest's files that have not been put here yet. */
  async missing(manifest: CodeManifest): Promise<string[]> {
    checkManifest(manifest)
    const now = new Date()
    const hashes = [...new Set(manifest.files.map(({ hash }) => hash))]
    const lacking: string[] = []
    await inTurns(hashes, async (hash) => {
      // The date keeps another process from removing it before it is installed.
      await utimes(this.#blob(hash), now, now).catch(() => lacking.push(hash))
    })
    return lacking.toSorted()
  }

  /** @throws {GoawayError} ERR_GOAWAY_PROTOCOL if the content is not what the hash says */
  async put(hash: string, bytes: Uint8Array): Promise<void> {
    const found = hashOf(bytes)
    if (found !== hash) {
      throw new GoawayError(
        'ERR_GOAWAY_PROTOCOL',
        `Cannot store a file of the application: its content has the hash ${found}, not ` +
          JSON.stringify(hash),
      )
    }
    const path = this.#blob(hash)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const draft = `${path}.${draftSuffix()}`
    await writeFile(draft, bytes, { mode: 0o600, flag: 'wx' })
    await rename(draft, path)
  }

  /**
   * Lays the bundle out, and resolves to its folder.
   *
   * @throws {GoawayError} ERR_GOAWAY_MODULE_LOAD if a package that it needs is not installed here
   */
  async install(manifest: CodeManifest): Promise<string> {
    checkManifest(manifest)
    const externals = await findExternals(manifest)
    // Another library, or other packages, is another folder: they are linked in it.
    const key = hashOf(JSON.stringify([manifest.hash, import.meta.url, [...externals]]))
    const folder = join(this.#bundles, key)
    const now = new Date()
    if (existsSync(join(folder, 'code.json'))) {
      await utimes(folder, now, now)
      await this.#markUsed(key)
      return folder
    }
    const draft = join(this.#bundles, `.draft-${draftSuffix()}`)
    await mkdir(draft, { recursive: true, mode: 0o700 })
    try {
      await this.#layOut(manifest, draft)
      await linkExternals(draft, externals)
      await writeLibrary(draft)
      const description: CodeDescription = { hash: manifest.hash, modules: manifest.modules }
      await writeFile(join(draft, 'code.json'), JSON.stringify(description))
      await rename(draft, folder)
    } catch (error) {
      await rm(draft, { recursive: true, force: true })
      // Another process was quicker, with the same files.
      if (!existsSync(join(folder, 'code.json'))) throw error
    }
    await this.#markUsed(key)
    await this.#prune().catch(() => {
      // Another process prunes too; what is left is removed another time.
    })
    return folder
  }

  async #layOut({ files, links = [] }: CodeManifest, folder: string): Promise<void> {
    const folders = new Set(files.map(({ path }) => dirname(join(folder, path))))
    for (const each of folders) await mkdir(each, { recursive: true, mode: 0o700 })
    await inTurns(files, async ({ path, hash }) => {
      // A copy, not a link: what the application does to its files must not change the blob.
      await copyFile(this.#blob(hash), join(folder, path), constants.COPYFILE_FICLONE)
    })
    for (const [path, target] of links) {
      const link = join(folder, path)
      await mkdir(dirname(link), { recursive: true, mode: 0o700 })
      await symlink(relative(dirname(link), join(folder, target)), link, 'junction')
    }
  }

  #blob(hash: string): string {
    return join(this.#blobs, hash.slice(0, 2), hash)
  }

  /** Threads read files of a bundle at any time, so it may not go while its process runs. */
  async #markUsed(key: string): Promise<void> {
    await writeFile(join(this.#bundles, `${key}.${process.pid}`), '')
  }

  async #prune(): Promise<void> {
    const names = await readdir(this.#bundles)
    const marks = names.map((name) => /^([0-9a-f]{64})\.(\d+)$/.exec(name))
    const used = new Set<string>()
    for (const mark of marks) {
      const [name = '', key = '', pid = ''] = mark ?? []
      if (mark === null) continue
      if (isAlive(Number(pid))) used.add(key)
      else await rm(join(this.#bundles, name), { force: true })
    }
    const bundles: { readonly name: string; readonly usedMs: number }[] = []
    for (const name of names) {
      if (!/^([0-9a-f]{64}|\.draft-.*)$/.test(name)) continue
      const { mtimeMs } = await stat(join(this.#bundles, name))
      bundles.push({ name, usedMs: mtimeMs })
    }
    const oldestMs = Date.now() - codeAgeMsMax
    bundles.sort((one, other) => other.usedMs - one.usedMs)
    for (const { name, usedMs } of bundles.slice(codeBundlesKept)) {
      if (usedMs >= oldestMs || used.has(name)) continue
      await rm(join(this.#bundles, name), { recursive: true, force: true })
    }
    await this.#pruneBlobs(oldestMs)
  }

  async #pruneBlobs(oldestMs: number): Promise<void> {
    for (const part of await readdir(this.#blobs)) {
      for (const name of await readdir(join(this.#blobs, part))) {
        const path = join(this.#blobs, part, name)
        if ((await stat(path)).mtimeMs < oldestMs) await rm(path, { force: true })
      }
    }
  }
}

function draftSuffix(): string {
  return `${process.pid}-${randomBytes(6).toString('hex')}`
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function inTurns<Item>(
  items: readonly Item[],
  act: (item: Item) => Promise<unknown>,
): Promise<void> {
  for (let at = 0; at < items.length; at += copiesAtOnce) {
    await Promise.all(items.slice(at, at + copiesAtOnce).map(act))
  }
}
