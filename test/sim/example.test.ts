/** The example of the page on testing, run as its reader does. */
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { runWell } from '../run-node.ts'

t.test('The simulated bank loses money without its lock', async (t) => {
  const example = fileURLToPath(new URL('../../examples/simulation.js', import.meta.url))
  const output = await runWell(process.execPath, [example])
  const [careful, careless] = output.split('\n')
  t.equal(careful, 'With the lock: no money was lost')
  t.match(careless, /^Without it: seed \d+: Alice has \d+, Bob has \d+$/)
})
