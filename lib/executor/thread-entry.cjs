/**
 * What piscina loads in a thread. CommonJS, because piscina tries `require` first, and a loader
 * such as tsx would make a second copy of an ES module that is required; the library itself is
 * imported, so that it is the instance that the application's `import 'goaway'` gets.
 *
 * The library is loaded at once, and what applications import of it too: the hub is still starting.
 */
// Before anything of the library is evaluated: `isSpawner` looks at it.
globalThis[Symbol.for('goaway.pool')] = true

const main = import('./thread-main.js')
// A failure is told to whoever imports it next.
const library = main
  .then(() => Promise.all([import('../index.js'), import('../sync.js')]))
  .catch(() => {})

exports.serve = async function serve(start) {
  const thread = await main
  // Node 20 refuses `require('goaway')` in a CommonJS application while an import of it is under
  // way.
  await library
  await thread.serve(start)
}
