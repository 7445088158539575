/** Bundles an application, installs it as a node would, and runs functions of it. */
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Bundler, type BundlerOptions, type CodeBundle } from '../../lib/deploy/bundle.ts'
import { CodeStore } from '../../lib/deploy/code-store.ts'
import { cleanEnvironment, run } from '../run-node.ts'
import type { Call, Returned } from './bundle-runner.ts'

const runner = fileURLToPath(new URL('./bundle-runner.js', import.meta.url))

/** Sends what the store lacks, and installs. */
export async function install(bundle: CodeBundle, store: CodeStore): Promise<string> {
  for (const hash of await store.missing(bundle.manifest)) {
    await store.put(hash, await bundle.read(hash))
  }
  return store.install(bundle.manifest)
}

export interface Application {
  readonly bundle: CodeBundle
  /** Where it is installed. */
  readonly folder: string
  /** Calls `file#export`, one after another in one process. */
  call(...calls: [place: string, ...args: unknown[]][]): Promise<Returned[]>
}

/** `folder` is the application's; the store lies in `storeFolder`. */
export async function deploy(
  folder: string,
  storeFolder: string,
  options: Partial<BundlerOptions> & { extra?: readonly string[] } = {},
): Promise<Application> {
  const { extra, ...own } = options
  const bundler = new Bundler({ root: folder, ...own, entry: join(folder, own.entry ?? 'main.ts') })
  const bundle = await bundler.build(extra)
  const installed = await install(bundle, new CodeStore(storeFolder))
  const call = async (...calls: [place: string, ...args: unknown[]][]): Promise<Returned[]> => {
    const list = calls.map(([place, ...args]): Call => {
      const [file = '', name = ''] = place.split('#')
      const module = pathToFileURL(join(folder, file)).href
      return { module, name, exportName: name, args }
    })
    const request = JSON.stringify({ folder: installed, calls: list })
    const { output, errors } = await run(process.execPath, [runner, request], {
      cwd: storeFolder,
      env: cleanEnvironment(),
    })
    const last = output.trim().split('\n').at(-1) ?? ''
    if (!last.startsWith('[')) throw new Error(`No answer: ${output}${errors}`)
    return JSON.parse(last) as Returned[]
  }
  return { bundle, folder: installed, call }
}
