/** The folder in which goaway keeps what belongs to a user: the secret, and code from spawners. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import process from 'node:process'

/** `~/.goaway`, or what GOAWAY_HOME says. */
export function goawayHome(env: NodeJS.ProcessEnv = process.env): string {
  const given = env.GOAWAY_HOME
  return given === undefined || given === '' ? join(homedir(), '.goaway') : resolve(given)
}

/** The shell does not see the paths in a file, so `~` is ours to understand. */
export function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path
}

/** Where nodes keep the code of applications, by its hash. */
export function storeDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return join(goawayHome(env), 'code')
}
