/** The application's code at the spawner: bundled once, sent to each node, added to at need. */

import { errorOf } from '../client/error-codec.ts'
import type { Bundler, CodeBundle } from '../deploy/bundle.ts'
import { moduleKey } from '../deploy/manifest.ts'
import type { Peer } from '../hub/peer.ts'
import { storedInlineBytesMax } from '../limits.ts'
import type { CodeManifest } from '../wire/messages.ts'
import type { Conversation } from './conversation.ts'

/** A module may be imported under many URLs that differ in their query. */
const knownMax = 1024

export class CodeKeeper {
  readonly #bundler: Bundler
  #bundle: Promise<CodeBundle>
  /** What all nodes have. */
  #spread: CodeManifest | undefined
  readonly #extra = new Set<string>()
  /** URLs, as functions are addressed by, of modules that the bundle has. */
  readonly #known = new Set<string>()

  constructor(bundler: Bundler) {
    this.#bundler = bundler
    this.#bundle = bundler.build([])
    // Whoever awaits it hears of its failure.
    this.#bundle.catch(() => {})
  }

  /** Whether the nodes have what is needed to run functions of that module. */
  has(module: string): boolean {
    // Asked for every routine, while the key of a URL takes some µs to make.
    if (this.#known.has(module)) return true
    const modules = this.#spread?.modules
    if (modules === undefined || !Object.hasOwn(modules, moduleKey(module))) return false
    if (this.#known.size >= knownMax) this.#known.clear()
    this.#known.add(module)
    return true
  }

  /** All nodes have been given what there is. */
  async spread(): Promise<void> {
    this.#spread = (await this.#bundle).manifest
  }

  /** Makes a bundle that has the module as well; one after the other. */
  async add(module: string): Promise<void> {
    const bundle = await this.#bundler.build([...this.#extra, module])
    this.#extra.add(module)
    this.#bundle = Promise.resolve(bundle)
  }

  /** Sends a node what it lacks, and comes back when it can run the code. */
  async install(peer: Peer, conversation: Conversation): Promise<void> {
    const bundle = await this.#bundle
    peer.link.send(['code', bundle.manifest])
    peer.link.flush()
    const [, hashes] = await conversation.next('need')
    for (const hash of hashes) {
      peer.link.send(['blob', hash, inPieces(await bundle.read(hash))])
      peer.link.flush()
    }
    const [, , error] = await conversation.next('installed')
    if (error !== null) throw errorOf(error)
  }
}

/** What is large and lies in shared memory travels in pieces, and holds up nothing behind it. */
function inPieces(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength <= storedInlineBytesMax) return bytes
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.byteLength))
  shared.set(bytes)
  return shared
}
