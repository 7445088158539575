/**
 * Loaded before each test file (`node-arg` of tap, in package.json). tap puts itself into each
 * process by options of Node, and threads inherit these: every thread of the pool would start tap's
 * loader, and a thread of its own for that loader. What is tested are threads as users have them.
 */
import process from 'node:process'

process.execArgv = process.execArgv.filter((option) => !/@tapjs|plain-threads/.test(option))
delete process.env.NODE_OPTIONS
