/**
 * Loaded before each test file (`node-arg` of tap, in package.json): what is tested runs as users
 * have it.
 *
 * - tap puts itself into each process by options of Node, and threads inherit these: every thread
 *   of the pool would start tap's loader, and a thread of its own for that loader.
 * - tap follows every promise to the test that made it, to tell whose error it is that nobody
 *   caught. In programs of promises, as the simulator is, that takes a third of the time. Without
 *   it such an error ends its test file, which has failed then.
 */
import asyncHooks, { type AsyncHook } from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'
import process from 'node:process'

process.execArgv = process.execArgv.filter((option) => !/@tapjs|plain-threads/.test(option))
delete process.env.NODE_OPTIONS

const followsNothing: AsyncHook = {
  enable: () => followsNothing,
  disable: () => followsNothing,
}
asyncHooks.createHook = () => followsNothing
syncBuiltinESMExports()
