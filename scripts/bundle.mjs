/**
 * Bundles the library for the package: a program loads four files instead of forty, in its own
 * thread, in the hub's and in every pool thread, which takes a third off the time to its first
 * result. What asks for `new URL('../hub/hub-entry.js', import.meta.url)` has to lie one folder
 * deep, as in `lib`.
 */
import { copyFileSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
rmSync(`${root}dist/bundle`, { recursive: true, force: true })

/** @param {readonly string[]} entries of one program: what they load in one thread is there once */
async function bundle(entries) {
  await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(entries.map((entry) => [entry, `dist/lib/${entry}.js`])),
    outdir: 'dist/bundle',
    chunkNames: 'shared/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
  })
}

await bundle(['index', 'sync', 'testing', 'check', 'executor/thread-main'])
// They run in threads and processes of their own, and share no module with what users load.
await bundle(['hub/hub-entry', 'node/node-process', 'node/node-entry'])
copyFileSync(
  `${root}dist/lib/executor/thread-entry.cjs`,
  `${root}dist/bundle/executor/thread-entry.cjs`,
)
for (const entry of ['index.js', 'sync.js', 'check.js']) {
  if (readFileSync(`${root}dist/bundle/${entry}`, 'utf8').includes('import.meta.url')) {
    throw new Error(`Cannot bundle: ${entry} looks for files beside it, at the wrong depth`)
  }
}
