/** Bundles in a thread, and says so by a word in shared memory. */
import { workerData } from 'node:worker_threads'
import { Bundler } from '../../lib/deploy/bundle.ts'

const { words, entry, root } = workerData as { words: Int32Array; entry: string; root: string }
const { manifest } = await new Bundler({ entry, root }).build()
Atomics.store(words, 0, Object.keys(manifest.modules).length)
Atomics.notify(words, 0)
