/**
 * What piscina loads in a thread. CommonJS, because piscina tries `require` first, and a loader such as
 * tsx would make a second copy of an ES module that is required; the library itself is imported, so that
 * it is the instance that the application's `import 'goaway'` gets.
 *
 * The library is loaded at once, and what applications import of it too: the hub is still starting.
 */
// Before anything of the library is evaluated: `isSpawner` looks at it.
globalThis[Symbol.for('goaway.pool')] = true

const main = import('./thread-main.js')
// Whoever serves is told of a failure; whoever imports the other is told, too.
main.then(() => import('../index.js')).catch(() => {})

exports.serve = async function serve(start) {
  const thread = await main
  await thread.serve(start)
}
