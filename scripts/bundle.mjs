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
await build({
  absWorkingDir: root,
  entryPoints: {
    index: 'dist/lib/index.js',
    sync: 'dist/lib/sync.js',
    testing: 'dist/lib/testing.js',
    check: 'dist/lib/check.js',
    'hub/hub-entry': 'dist/lib/hub/hub-entry.js',
    'executor/thread-main': 'dist/lib/executor/thread-main.js',
    'node/node-process': 'dist/lib/node/node-process.js',
    'node/node-entry': 'dist/lib/node/node-entry.js',
  },
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
copyFileSync(
  `${root}dist/lib/executor/thread-entry.cjs`,
  `${root}dist/bundle/executor/thread-entry.cjs`,
)
for (const entry of ['index.js', 'sync.js', 'check.js']) {
  if (readFileSync(`${root}dist/bundle/${entry}`, 'utf8').includes('import.meta.url')) {
    throw new Error(`Cannot bundle: ${entry} looks for files beside it, at the wrong depth`)
  }
}
