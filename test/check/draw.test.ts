/** What people see of a history that is wrong. */
import t from 'tap'
import { check, draw, drawSvg } from '../../lib/check.ts'
import { operation } from './histories.ts'

const inversion = [
  operation({ op: 'init', arg: 0 }),
  operation({ client: 0, op: 'write', arg: 1, start: 10, end: 200 }),
  operation({ client: 1, op: 'read', out: 1, start: 20, end: 60 }),
  operation({ client: 2, op: 'read', out: 0, start: 80, end: 120 }),
  operation({ client: 1, op: 'read', out: 1, start: 130, end: 140 }),
]

t.test('draw() shows who saw what, and why it cannot be', async (t) => {
  t.equal(
    draw(check(inversion)),
    `strict s.x, linearizable, 5 operations: illegal, these 3 cannot all be right

  at first: 0
  client 0  ├──────── write 1 ───────┤     line 2
  client 1    ╞ read 1 ╡                   line 3
  client 2                ╞ read 0 ╡       line 4

  client 2 (line 4) found 0, after client 1 (line 3) had found 1, and what was seen stays

illegal: 5 operations in 1 part, against linearizable`,
  )
})

t.test('draw() leaves open what had no answer', async (t) => {
  const history = [
    operation({ client: 0, op: 'write', arg: 1, start: 1, end: -1 }),
    operation({ client: 1, op: 'read', out: 1, start: 5, end: 6 }),
    operation({ client: 1, op: 'read', out: null, start: 7, end: 8 }),
  ]
  t.match(draw(check(history)), /client 0 {2}├─+ write 1 ─+…/)
})

t.test('draw() says that nothing contradicts', async (t) => {
  t.equal(draw(check([])), 'ok: 0 operations in 0 parts')
  t.match(draw(check(inversion.slice(0, 3))), /^ok: 3 operations in 1 part, against linearizable$/)
})

t.test('the sentence fits what is wrong', async (t) => {
  const reason = (...history: Parameters<typeof operation>[0][]): string =>
    check(history.map(operation)).parts[0]?.window?.reason ?? ''
  t.match(
    reason({ op: 'read', out: 7, start: 1, end: 2 }),
    'client 0 (line 1) found 7, which nobody had written',
  )
  t.match(
    reason({ op: 'read', out: 7, start: 1, end: 2 }, { op: 'write', arg: 7, start: 3, end: 4 }),
    'client 0 (line 1) found 7, which client 0 (line 2) began to write only after that',
  )
  t.match(
    reason(
      { op: 'write', arg: 1, start: 1, end: 2 },
      { op: 'write', arg: 2, start: 3, end: 4 },
      { client: 1, op: 'read', out: 1, start: 5, end: 6 },
    ),
    'client 1 (line 3) found 1, after client 0 (line 2) did write 2',
  )
  t.match(
    reason(
      { op: 'cas', exp: null, arg: 1, start: 1, end: 5 },
      { client: 1, op: 'cas', exp: null, arg: 2, start: 2, end: 6 },
    ),
    'client 0 (line 1) and client 1 (line 2) both replaced absent, which nobody had put back',
  )
  t.match(
    reason(
      { op: 'acquire', out: 1, start: 1, end: 2 },
      { client: 1, op: 'acquire', out: 2, start: 3, end: 4 },
      { op: 'release', arg: 1, start: 5, end: 6 },
    ),
    'client 1 (line 2) got the lock while client 0 (line 1) held it',
  )
})

t.test('drawSvg() is a picture for light and dark, without script', async (t) => {
  const svg = drawSvg(check(inversion))
  t.match(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/)
  t.match(svg, 'prefers-color-scheme: dark')
  t.notMatch(svg, '<script')
  t.equal(svg.match(/<rect class="box/g)?.length, 3)
  t.equal(svg.match(/<rect class="box bad/g)?.length, 2)
  t.same(openTags(svg), [], 'all tags are closed')
})

t.test('drawSvg() and draw() take any name and value', async (t) => {
  const odd = operation({
    key: '<&">\u0000.\u202e',
    op: 'read',
    out: '</svg>&"\u0007',
    start: 1,
    end: 2,
  })
  const svg = drawSvg(check([odd, { ...odd, client: 1, out: 'x'.repeat(300) }]))
  t.same(openTags(svg), [])
  t.notMatch(svg, /\p{Cc}(?<!\n)/u)
  t.notMatch(draw(check([odd])), /\p{Cc}(?<!\n)/u)
})

t.test('draw() makes a list of what is too much for a picture', async (t) => {
  const adds = Array.from({ length: 60 }, (_, index) =>
    operation({
      op: 'add',
      arg: 1,
      out: index === 59 ? 59 : index + 1,
      start: 2 * index,
      end: 2 * index + 1,
    }),
  )
  const text = draw(check(adds))
  t.ok(text.split('\n').every((line) => line.length < 200))
})

/** Elements that are not closed, in order. */
function openTags(xml: string): string[] {
  const open: string[] = []
  for (const [, isEnd, name, isAlone] of xml.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
    if (isEnd === '/') {
      if (open.pop() !== name) return [`${name} closes another`]
    } else if (isAlone !== '/') open.push(name as string)
  }
  return open
}
