/**
 * Counts the words of a folder of texts: one routine a text, and all add to the same counters. Sums
 * do not depend on who adds first, so it takes no order and no lock, only that nothing is lost and
 * all is there at the end: additions to a `Weak` object, and `sync()`. The node's own copy answers
 * each of them, however far the others are. `StrictCentralized` loses none either, and each waits
 * for the master: on one machine that is the same node, so look at it on a cluster.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { goaway, isSpawner } from 'goaway'
import { StrictCentralized, Weak } from 'goaway/sync'

const models = { Weak: Weak<Counts>, StrictCentralized: StrictCentralized<Counts> }
type Model = keyof typeof models
type Counts = Record<string, number>

/** How often each word is in a text, in lower case. */
function countWords(text: string): Map<string, number> {
  const found = new Map<string, number>()
  for (const [word] of text.toLowerCase().matchAll(/\p{L}+/gu)) {
    found.set(word, (found.get(word) ?? 0) + 1)
  }
  return found
}

/** Adds a text's words to the counts of that name. @returns how many additions it took */
export function addText(model: Model, name: string, text: string): number {
  const counts = models[model](name)
  const words = countWords(text)
  for (const [word, count] of words) counts.add(word, count)
  if (model === 'Weak') Weak(name).sync()
  return words.size
}

/** The repository's own pages; they lie one folder higher for who runs the compiled example. */
function ownDocs(): string {
  const folders = ['../docs/', '../../docs/'].map((path) => new URL(path, import.meta.url))
  return fileURLToPath(folders.find((folder) => existsSync(folder)) as URL)
}

/** Read here: other machines have no such folder. */
function readTexts(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => /\.(md|txt)$/.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8'))
}

/** @returns how many additions it took */
async function addTogether(model: Model, name: string, texts: readonly string[]): Promise<number> {
  const additions = await Promise.all(texts.map((text) => goaway(addText, model, name, text)))
  return additions.reduce((sum, count) => sum + count, 0)
}

function isSame(counts: Counts, plain: Map<string, number>): boolean {
  const words = Object.entries(counts)
  return words.length === plain.size && words.every(([word, count]) => plain.get(word) === count)
}

if (isSpawner) {
  const texts = readTexts(process.argv[2] ?? ownDocs())
  const plain = countWords(texts.join('\n'))
  const names = Object.keys(models) as Model[]
  // The first ones are slow, whatever the model: threads start, and all is still to be compiled.
  for (const model of names) await addTogether(model, 'warm-up', texts)
  for (const model of names) {
    const start = performance.now()
    const additions = await addTogether(model, 'words', texts)
    const seconds = ((performance.now() - start) / 1000).toFixed(2)
    const isRight = isSame(models[model]('words').snapshot(), plain)
    console.log(`${model}: ${additions} additions in ${seconds} s`)
    console.log(`  ${isRight ? 'as' : 'NOT as'} a plain loop counts them`)
  }
  const sorted = [...plain].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
  const sum = sorted.reduce((total, [, count]) => total + count, 0)
  console.log(`${texts.length} texts, ${sum} words, ${plain.size} different, most often:`)
  console.log(
    sorted
      .slice(0, 10)
      .map(([word, count]) => `  ${word} ${count}`)
      .join('\n'),
  )
}
