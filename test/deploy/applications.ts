/** Small applications, as folders of files. */

/** One module of each kind that Node and TypeScript know. */
export const kinds = {
  'package.json': '{ "type": "module" }',
  'tsconfig.json':
    '{ "compilerOptions": { "jsx": "react", "jsxFactory": "element", ' +
    '"experimentalDecorators": true, "paths": { "@own/*": ["./src/*"] } } }',
  'main.ts': `
      import { add, type Pair } from './src/add.js'
      import type { Nothing } from './nowhere.ts'
      import common from './common.cjs'
      import './view.tsx'
      import { g } from './facade.ts'
      import { first } from './circle-one.ts'
      throw new Error('the program itself is not run on a node')
      export const main = [add, common, g, first]
    `,
  src: {
    'add.ts': `
        import { counter, bump } from '@own/counter'
        export interface Pair { one: number; other: number }
        export enum Colour { Red = 'red' }
        export function add({ one, other }: Pair): number { bump(); return one + other }
        export const arrow = async (n: number) => n * 2
        export default function () { return 'default' }
        export function count() { return counter }
        export { hidden as shown }
        function hidden() { return Colour.Red }
      `,
    'counter.ts': `export let counter = 0\nexport function bump() { counter++ }\n`,
  },
  'view.tsx': `
      function element(tag: string, _: unknown, ...children: unknown[]) {
        return { tag, children }
      }
      export function view() { return <b>{'bold'}</b> }
    `,
  'common.cjs': `
      const other = require('./other.cjs')
      exports.name = function name() { return [other.n++, __dirname, __filename] }
    `,
  'other.cjs': 'exports.n = 1',
  'typed.cts': `
      import { join } from 'node:path'
      export function typed(): string { return join(__dirname, 'x') }
    `,
  'facade.ts': `
      export { add as g } from './src/add.ts'
      import { typed } from './typed.cts'
      import { add } from './src/add.ts'
      export function handOn() { return add }
      export const callTyped = () => typed()
    `,
  'circle-one.ts': `
      import { second } from './circle-two.ts'
      export function first(n: number): number { return n === 0 ? 0 : second(n - 1) + 1 }
    `,
  'circle-two.ts': `
      import { first } from './circle-one.ts'
      export function second(n: number): number { return n === 0 ? 0 : first(n - 1) + 1 }
    `,
}

/** Files that it reads, state that it shares, and modules that take their time. */
export const stateful = {
  'package.json': '{ "type": "module", "version": "1.2.3" }',
  'cluster.yaml': '',
  data: { 'words.txt': 'one two', deep: { '.hidden': 'found' }, 'not-asked.md': 'no' },
  'main.mjs': `
    import './setup.mjs'
    import './one.mjs'
    import './two.mjs'
    import './reads.mjs'
    import './slow.mjs'
    import './thrower.ts'
    import './loads.mjs'
    import './spawner.mjs'
  `,
  'setup.mjs': "globalThis.order = ['setup']",
  'state.mjs':
    "globalThis.order?.push('state')\nexport const state = { n: 0 }\nexport let live = 1\n" +
    'export function raise() { live++ }\n',
  'one.mjs':
    "import { state, raise } from './state.mjs'\n" +
    'export function one() { raise(); return ++state.n }\n' +
    'export function other() { return two }\nimport { two } from "./two.mjs"\n',
  'two.mjs':
    "import './setup.mjs'\nimport { state, live } from './state.mjs'\n" +
    'export function two() { return [++state.n, live] }\n' +
    'export const order = () => globalThis.order\n' +
    'export default function () {}\n',
  'reads.mjs': `
    import { readFileSync } from 'node:fs'
    import { createRequire } from 'node:module'
    import json from './package.json' with { type: 'json' }
    const require = createRequire(import.meta.url)
    export function reads() {
      const text = readFileSync(new URL('./data/words.txt', import.meta.url), 'utf8')
      const hidden = readFileSync(new URL('./data/deep/.hidden', import.meta.url), 'utf8')
      const none = readFileSync(new URL('./data/not-asked.md', import.meta.url), 'utf8')
      return [text, hidden, none, json.version]
    }
    export function readsSome() {
      const path = import.meta.dirname + '/data/words.txt'
      return [readFileSync(path, 'utf8'), json.version, require('./package.json').version]
    }
  `,
  'slow.mjs': `
    const waited = await new Promise((resolve) => setImmediate(resolve, 'waited'))
    export function slow() { return waited }
  `,
  'loads.mjs': `
    export async function loads() { return (await import('./late.mjs')).late() }
    export async function computes(name) { return (await import('./' + name + '.mjs')).late() }
  `,
  'late.mjs': "export function late() { return 'late' }",
  'never-named.mjs': "export function late() { return 'never named' }",
  'thrower.ts': `
    interface Long {
      readonly a: string
    }
    export function thrower(long: Long): never {
      throw new RangeError(long.a)
    }
  `,
  'spawner.mjs': `
    import { isSpawner, GoawayError } from 'goaway'
    import * as sync from 'goaway/sync'
    if (isSpawner) console.error('a node is no spawner')
    export function spawner() { return [isSpawner, typeof GoawayError, typeof sync.Lock] }
  `,
}

/** Packages of many makes, some of which cannot travel. */
export const packaged = {
  'package.json': '{ "type": "module" }',
  'main.ts': `
    import { named } from 'common'
    import { only } from 'module-only'
    import sub from '@scope/sub/part'
    import { around } from 'looks-around'
    export const uses = () => [named(), only(), sub(), around()]
    export async function native() { return (await import('lacks')).default }
    export async function maybe() { return (await import('has-optional')).maybe }
    export const linked = async () => (await import('linked')).linked()
    export const broken = async () => (await import('broken')).broken
  `,
  node_modules: {
    common: {
      'package.json': '{ "name": "common", "main": "./lib" }',
      lib: {
        'index.js': "exports.named = function named() { return require('./deep').deep }",
        'deep.js': "exports.deep = 'common'",
        'unused.js': 'exports.unused = 1',
      },
    },
    'module-only': {
      'package.json':
        '{ "name": "module-only", "type": "module", "exports": ' +
        '{ ".": { "module": "./bundler.js", "import": "./node.js", "require": "./no.cjs" } } }',
      'bundler.js': "export const only = () => 'for bundlers'",
      'node.js': "import { sibling } from 'sibling'\nexport const only = () => 'node ' + sibling",
      'no.cjs': "exports.only = () => 'common'",
    },
    sibling: {
      'package.json': '{ "name": "sibling", "type": "module", "main": "index.js" }',
      'index.js': "export const sibling = 'sibling'",
    },
    '@scope': {
      sub: {
        'package.json': '{ "name": "@scope/sub", "exports": { "./part": "./part.mjs" } }',
        'part.mjs': "export default () => 'sub'",
      },
    },
    'looks-around': {
      'package.json': '{ "name": "looks-around" }',
      'index.js': `
        const { readFileSync } = require('fs')
        exports.around = () =>
          [readFileSync(__dirname + '/data.txt', 'utf8'), require('./part-' + 1).part]
      `,
      'part-1.js': "exports.part = 'part'",
      'data.txt': 'data',
      'README.md': 'not needed',
    },
    lacks: {
      'package.json': '{ "name": "lacks", "dependencies": { "node-gyp-build": "^4.0.0" } }',
      'index.js': "module.exports = require('./build/Release/addon.node')",
      'binding.gyp': '{}',
    },
    'has-optional': {
      'package.json': '{ "name": "has-optional", "optionalDependencies": { "extra-native": "1" } }',
      'index.js':
        "try { exports.maybe = require('extra-native') } catch { exports.maybe = 'none' }",
    },
    'extra-native': {
      'package.json': '{ "name": "extra-native", "os": ["linux", "darwin"] }',
      'index.js': "module.exports = 'native'",
    },
    broken: { 'package.json': '{ "name": "broken" }', 'index.js': 'exports.broken = = 1' },
    '.store': {
      'linked@1': {
        node_modules: {
          linked: {
            'package.json': '{ "name": "linked", "type": "module", "main": "index.js" }',
            'index.js': "import { inner } from 'inner'\nexport const linked = () => inner",
          },
        },
      },
      'inner@1': {
        node_modules: {
          inner: {
            'package.json': '{ "name": "inner", "type": "module", "main": "index.js" }',
            'index.js': "export const inner = 'inner'",
          },
        },
      },
    },
  },
}

/** Routines that start routines. */
export const nested = {
  'package.json': '{ "type": "module" }',
  'main.ts': `
    import { goaway, isSpawner } from 'goaway'
    import { child, type Sum } from './child.ts'
    export const later = () => import('./forgetful.ts')
    export async function parent(n: number): Promise<Sum> {
      return await goaway(child, n, isSpawner)
    }
    if (isSpawner) await parent(1)
  `,
  'child.ts': `
    export interface Sum {
      readonly sum: number
      readonly spawner: boolean
    }
    export function child(n: number, spawner: boolean): Sum {
      if (n < 0) throw new RangeError('negative')
      return { sum: n + 1, spawner }
    }
  `,
  'forgetful.ts': `
    import { goaway } from 'goaway'
    export function forgetful() { return 1 }
    await goaway(forgetful)
  `,
}

/** What loaders and compilers let pass, though Node alone would not. */
export const loose = {
  'package.json': '{ "name": "loose", "imports": { "#own": "./own.ts" } }',
  'tsconfig.json': '{ "compilerOptions": { "experimentalDecorators": true, "jsx": "preserve" } }',
  'main.ts': `
    import data, { words } from './data.json'
    import old = require('./old.cjs')
    import { own } from '#own'
    export * from './star'
    export { first, second } from './query.mts'
    export { odd } from './odd ü.mts'
    export function json() { return [data.words, words] }
    export function folder() { return [__dirname, require('./old.cjs').old, old.old, own()] }
  `,
  'data.json': '{ "words": ["one"], "class": 1, "not a name": 2, "default": 3 }',
  'old.cjs': "exports.old = 'old'",
  'own.ts': "export function own() { return 'own' }",
  star: { 'index.ts': "export function star() { return 'star' }" },
  'query.mts': `
    import * as one from './counted.mjs?one'
    import * as other from './counted.mjs?other'
    export function first() { return [one.next(), one.next(), other.next()] }
    @sealed
    class Second { static name2 = 'second' }
    function sealed(made: { name2: string }) { made.name2 += ' sealed' }
    export const second = () => Second.name2
  `,
  'counted.mjs': 'let n = 0\nexport function next() { return ++n }\n',
  'odd ü.mts': 'export function odd() { return import.meta.filename }',
}
