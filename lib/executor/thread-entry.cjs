/**
 * What piscina loads in a thread. CommonJS, because piscina tries `require` first, and a loader such as
 * tsx would make a second copy of an ES module that is required; the library itself is imported, so that
 * it is the instance that the application's `import 'goaway'` gets.
 */
exports.serve = async function serve(start) {
  const thread = await import('./thread-main.js')
  await thread.serve(start)
}
