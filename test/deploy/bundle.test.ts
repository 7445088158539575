import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { kinds } from './applications.ts'
import { deploy } from './run-bundle.ts'

/** A folder with the application, and beside it one for the store. */
function place(t: Test, files: Parameters<Test['testdir']>[0]): { app: string; store: string } {
  const folder = realpathSync(t.testdir({ app: files ?? {}, store: {} }))
  return { app: join(folder, 'app'), store: join(folder, 'store') }
}

t.test('Modules of all kinds are found by their place at the spawner', async (t) => {
  const { app, store } = place(t, kinds)
  const { call, folder } = await deploy(app, store)
  const url = (file: string): string => pathToFileURL(join(app, file)).href
  const results = await call(
    ['src/add.ts#add', { one: 1, other: 2 }],
    ['src/add.ts#arrow', 4],
    ['src/add.ts#default'],
    ['src/add.ts#shown'],
    ['src/add.ts#count'],
    ['view.tsx#view'],
    ['common.cjs#name'],
    ['common.cjs#name'],
    ['circle-one.ts#first', 5],
    ['facade.ts#callTyped'],
    ['facade.ts#handOn'],
    ['src/counter.ts#bump'],
  )
  t.same(
    results.map(({ value, error }) => value ?? error?.message),
    [
      3,
      8,
      'default',
      'red',
      1,
      { tag: 'b', children: ['bold'] },
      [1, join(folder, 'files'), join(folder, 'files', 'common.cjs')],
      [2, join(folder, 'files'), join(folder, 'files', 'common.cjs')],
      5,
      join(folder, 'files', 'x'),
      undefined,
      undefined,
    ],
  )
  t.same(
    results.map(({ module, exportName }) => [module, exportName]),
    [
      [url('src/add.ts'), 'add'],
      [url('src/add.ts'), 'arrow'],
      [url('src/add.ts'), 'default'],
      [url('src/add.ts'), 'shown'],
      [url('src/add.ts'), 'count'],
      [url('view.tsx'), 'view'],
      [url('common.cjs'), 'name'],
      [url('common.cjs'), 'name'],
      [url('circle-one.ts'), 'first'],
      [url('facade.ts'), 'callTyped'],
      [url('src/add.ts'), 'add'],
      [url('src/counter.ts'), 'bump'],
    ],
    'and where others find them',
  )
})
