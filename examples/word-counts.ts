/**
 * Counts the words of a folder of texts: one routine a text, and all add to the same counters. Sums
 * do not depend on who adds first, so it takes no order and no lock, only that nothing is lost and
 * all is there at the end: additions to a `Weak` object, and `sync()`. The node's own copy answers
 * them. Those to a `StrictCentralized` object go to its master, one by one.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { goaway, isSpawner, StrictCentralized, Weak } from 'goaway'

const counts = {
  Weak: Weak<Record<string, number>>('words'),
  StrictCentralized: StrictCentralized<Record<string, number>>('words'),
}
type Model = keyof typeof counts

/** How often each word is in a text, in lower case. */
function countWords(text: string): Map<string, number> {
  const found = new Map<string, number>()
  for (const [word] of text.toLowerCase().matchAll(/\p{L}+/gu)) {
    found.set(word, (found.get(word) ?? 0) + 1)
  }
  return found
}

/** Adds a text's words to the counts of all texts. @returns how many additions it took */
export async function addText(model: Model, text: string): Promise<number> {
  const words = countWords(text)
  await Promise.all([...words].map(([word, count]) => counts[model].add(word, count)))
  if (model === 'Weak') await counts.Weak.sync()
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

async function countTogether(model: Model, texts: readonly string[]): Promise<Map<string, number>> {
  const start = performance.now()
  const additions = await Promise.all(texts.map((text) => goaway(addText, model, text)))
  const ms = performance.now() - start
  const total = additions.reduce((sum, count) => sum + count, 0)
  console.log(`${model}: ${total} additions in ${(ms / 1000).toFixed(2)} s`)
  return new Map(Object.entries(await counts[model].snapshot()))
}

function isSame(one: Map<string, number>, other: Map<string, number>): boolean {
  return one.size === other.size && [...one].every(([word, count]) => other.get(word) === count)
}

if (isSpawner) {
  const texts = readTexts(process.argv[2] ?? ownDocs())
  const plain = countWords(texts.join('\n'))
  // The threads and their modules, which the first to be timed would have to wait for.
  await goaway(addText, 'Weak', '')
  for (const model of Object.keys(counts) as Model[]) {
    const words = await countTogether(model, texts)
    console.log(`  ${isSame(words, plain) ? 'as' : 'NOT as'} a plain loop counts them`)
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
