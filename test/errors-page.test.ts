/**
 * docs/errors.md has each code once, with an example and a remedy; and each code is raised
 * somewhere.
 */
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const codes = readFileSync(new URL('lib/errors.ts', root), 'utf8')
  .split('What a {@link GoawayError} may carry')[0]
  ?.match(/(?<=\| ')ERR_GOAWAY_[A-Z_]+(?=')/g) as string[]
const page = readFileSync(new URL('docs/errors.md', root), 'utf8')
const sections = new Map(
  page.split(/^## /m).map((section) => [section.slice(0, section.indexOf('\n')), section]),
)

function sources(folder: string): string[] {
  const entries = readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
  const files = entries.filter((name) => name.endsWith('.ts') && name !== 'errors.ts')
  return files.map((name) => readFileSync(new URL(`${folder}${name}`, root), 'utf8'))
}

t.test('Each code has its section, with an example and a remedy', async (t) => {
  t.ok(codes.length > 20)
  for (const code of codes) {
    t.match(sections.get(code), /^> \S/m, `${code} has an example`)
    t.match(sections.get(code), /^\*\*Remedy\.\*\* \S/m, `${code} has a remedy`)
  }
})

t.test('No section is of a code that there is not', async (t) => {
  const titles = [...sections.keys()].filter((title) => title.startsWith('ERR_'))
  t.same(titles, [...codes].sort())
})

t.test('Each code is raised somewhere in the library', async (t) => {
  const texts = sources('lib/')
  for (const code of codes)
    t.ok(
      texts.some((text) => text.includes(`'${code}'`)),
      code,
    )
})
