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
