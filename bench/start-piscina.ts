/** The same with piscina. */
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'

const pool = new Piscina({
  filename: fileURLToPath(new URL('./trivial-task.js', import.meta.url)),
})
console.log(await pool.run(42))
await pool.destroy()
